"""Turns a refusal of the service, or a failed connection, into a sentence that says what to do."""

from __future__ import annotations

from typing import Any

import requests

from attune_cli.errors import Away, Busy, CommandError, NothingFound, NotSignedIn, TooMuch

_LONGEST_MESSAGE = 2_000


def message_of(response: requests.Response) -> str:
    """Return what a refusal says: Watson's `error`, or whatever comes nearest to it."""
    try:
        document: Any = response.json()
    except ValueError:
        document = None
    return (
        message_of_document(document)
        or f"The service answered with status {response.status_code} ({response.reason})."
    )


def message_of_document(document: Any) -> str:
    """Return what the JSON of a refusal says; empty: nothing."""
    if isinstance(document, dict):
        listed = document.get("errors")
        if isinstance(listed, list) and listed and isinstance(listed[0], dict):
            document = listed[0]
        for name in ("error", "message", "errorMessage"):
            found = document.get(name)
            if isinstance(found, dict):  # as OpenAI words it
                found = found.get("message")
            if isinstance(found, str) and found:
                return found[:_LONGEST_MESSAGE]
    return ""


def error_of(response: requests.Response) -> CommandError:
    """Return the error that a refusal is."""
    status = response.status_code
    if 300 <= status < 400:
        return CommandError(
            f"{response.url} sends on to {response.headers.get('Location', 'somewhere else')}.",
            "Sign in with that address.",
            status,
        )
    return refusal(status, message_of(response), response.headers.get("Retry-After", ""))


def refusal(status: int, message: str, later_s: str = "") -> CommandError:
    """Return the error that a status and its message are; `later_s`: what Retry-After says."""
    match status:
        case 401 if "customization_id" in message:
            return NothingFound(f"{message}.", "`attune models` lists the models of your key.", status)
        case 401 | 403:
            return NotSignedIn(
                f"The key is not accepted ({message}).",
                "It was revoked or mistyped, or opens another instance. Sign in with another: attune login",
                status,
            )
        case 404:
            return NothingFound(_sentence(message), _not_found(message), status)
        case 405:
            return NothingFound(_sentence(message), "This service does not offer that.", status)
        case 409:
            return Busy(
                _sentence(message),
                "`attune status --watch` tells when it is done; then run this again.",
                status,
            )
        case 413:
            return CommandError(
                _sentence(message), "Split the file, or convert it to FLAC or Ogg Opus.", status
            )
        case 429:
            when = f" in {later_s} s" if later_s else " later"
            return TooMuch(
                _sentence(message),
                f"Run the same command again{when}; it goes on where it stopped.",
                float(later_s) if later_s.isdigit() else 0.0,
            )
        case 507:
            return CommandError(
                _sentence(message), "Whoever runs the service has to make room on its disk.", status
            )
        case _ if status >= 500:
            return Away(
                f"The service has a fault of its own at the moment: {_sentence(message)}",
                "Run the same command again later; it goes on where it stopped.",
                status,
            )
        case _:
            return CommandError(_sentence(message), _way_out(message), status)


def unreachable(url: str) -> CommandError:
    """Return the error of a service that does not answer."""
    return Away(
        f"Nothing answers at {url}.",
        "Is the service running, and the URL right? Run the same command again; it goes on where it stopped.",
    )


def untrusted(url: str, failure: Exception) -> CommandError:
    """Return the error of a certificate that is not trusted."""
    if "CERTIFICATE_VERIFY_FAILED" in str(failure):
        return CommandError(
            f"The certificate of {url} is not trusted.",
            "Name the one to trust with --certificate FILE; on one machine that is .attune/certificate.pem.",
        )
    return CommandError(
        f"{url} does not speak TLS as it should.",
        "Does the URL want http in place of https, or another port?",
    )


def _sentence(message: str) -> str:
    text = message.strip()
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."


def _not_found(message: str) -> str:
    if "resource" in message:
        return "Is the URL that of a Watson-compatible service? Not every service offers all calls."
    if "left a report" in message:
        return "Train it first: attune train --watch"
    return "`attune models` lists what there is." if "odel" in message else ""


def _way_out(message: str) -> str:
    """Return what to do about refusals that people meet often."""
    ways = {
        "No input data available": "Add audio first: attune add FOLDER --model …",
        "No input data modified": "The model is trained on all that it has. Add more audio: attune add",
        "must be between": "Add more audio: attune add FOLDER --model …",
        "has not completed successfully": "Train without it: attune train --no-strict",
        "requires a narrow band model": "Use a narrowband model: --model en-US_NarrowbandModel",
        "is not recognized": "`attune models --base` lists the base models that there are.",
        "model is not available": "Train it first: attune train --watch",
        "up-to-date": "",
    }
    return next((way for said, way in ways.items() if said in message), "")
