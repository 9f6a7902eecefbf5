"""What the gateway knows of the API's routes: large bodies, keep-alive, content negotiation."""

from __future__ import annotations

import re
from dataclasses import dataclass

from chalicelib.recognition.results import subtitles

_ABOVE = r"(?:/speech-to-text/api|/instances/[^/]+)?"
PREFIX = rf"{_ABOVE}/v1"
RECOGNIZE = re.compile(rf"{PREFIX}/recognize")
_JOBS = re.compile(rf"{PREFIX}/recognitions")
_LARGE_BODIES = re.compile(
    rf"{PREFIX}/(?:recognize|recognitions|test_sets|audio/transcriptions"
    r"|acoustic_customizations/[^/]+/audio/[^/]+"
    r"|customizations/[^/]+/(?:(?:corpora|grammars)/[^/]+|words))"
)
_SENT_TO_URL = re.compile(rf"{_ABOVE}/uploads/[^/]+")
TRANSCRIPTIONS = re.compile(rf"{PREFIX}/audio/transcriptions")
_NEGOTIATED = re.compile(rf"{PREFIX}/(?:recognize|models(?:/[^/]+)?)")


@dataclass(frozen=True)
class Traits:
    """How a request to one route is treated."""

    takes_large_body: bool
    takes_job: bool
    """Its body may be larger still: that of a job, or of an upload that may become one."""
    recognises: bool
    """It takes long: it has threads of its own, its audio has to come fast enough, its client has to stay."""
    subtitled: bool
    """Its answer may be subtitles; while JSON is awaited instead, spaces go out."""
    signed_url: bool
    """Its query is its credentials."""
    streams: bool
    """Its answer may begin before all of it is known."""
    negotiates: bool
    """An `Accept` that JSON cannot meet is refused."""


def traits(method: str, path: str) -> Traits:
    """Return how a request is treated; `path` is as `normalised` returns it."""
    recognize = RECOGNIZE.fullmatch(path) is not None
    sent_to_url = method == "PUT" and _SENT_TO_URL.fullmatch(path) is not None
    transcribes = method == "POST" and TRANSCRIPTIONS.fullmatch(path) is not None
    return Traits(
        takes_large_body=sent_to_url or (method == "POST" and _LARGE_BODIES.fullmatch(path) is not None),
        takes_job=sent_to_url or (method == "POST" and _JOBS.fullmatch(path) is not None),
        recognises=transcribes or (method == "POST" and recognize),
        subtitled=method == "POST" and recognize,
        signed_url=sent_to_url,
        streams=transcribes,
        negotiates=method in ("GET", "HEAD", "POST") and _NEGOTIATED.fullmatch(path) is not None,
    )


def normalised(raw_path: str) -> str:
    """Return the path with one slash at its front and none at its end, otherwise as it was sent."""
    return "/" + raw_path.strip("/")


def can_accept(traits: Traits, accept: str) -> bool:
    """Tell whether what a route answers meets an `Accept` header."""
    return (
        not traits.negotiates
        or can_accept_json(accept)
        or (traits.subtitled and subtitles.accepted(accept) is not None)
    )


def can_accept_json(accept: str) -> bool:
    """Tell whether JSON, or JSON called text, meets an `Accept` header; none at all accepts everything."""
    ranges = [media.split(";")[0].strip().lower() for media in accept.split(",")]
    acceptable = {"*/*", "*", "application/*", "application/json", "text/*", "text/plain", ""}
    return any(media in acceptable or media.endswith("+json") for media in ranges)
