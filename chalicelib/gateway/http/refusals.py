"""Errors in Watson's shape: those of the gateway itself, and those a framework words its own way."""

from __future__ import annotations

import json
from http import HTTPStatus

from chalicelib.gateway.backend import BackendResponse, Headers
from chalicelib.recognition.request import openai_dialect

JSON = "application/json"
_DESCRIPTIONS = {413: "Payload Too Large", 431: "Request Header Fields Too Large"}


class Refusal(Exception):
    """The gateway does not pass the request on; `message` is for the client."""

    def __init__(self, status: int, message: str, headers: Headers = ()) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers

    def response(self) -> BackendResponse:
        """Return the answer the client gets."""
        return error_response(self.status, self.message, self.headers)


def watson_error(status: int, message: str) -> bytes:
    """Return the JSON body of an error."""
    try:
        description = _DESCRIPTIONS.get(status) or HTTPStatus(status).phrase
    except ValueError:
        description = "Error"
    return json.dumps({"code_description": description, "code": status, "error": message}).encode()


def error_response(status: int, message: str, headers: Headers = ()) -> BackendResponse:
    """Return an error with its JSON body."""
    return BackendResponse(status, (("Content-Type", JSON), *headers), watson_error(status, message))


def in_watson_shape(response: BackendResponse) -> BackendResponse:
    """Return `response`, reworded if it is an error that did not come from the service's own error table.

    Chalice answers `{"Code", "Message"}`, API Gateway `{"message"}`; whatever else is a JSON object is
    the service's own word and passes untouched.
    """
    if response.status < 400:
        return response
    message = _foreign_message(response)
    if message is None:
        return response
    kept = tuple(
        (name, value)
        for name, value in response.headers
        if name.lower() not in ("content-type", "content-length") and not name.lower().startswith("x-amzn-")
    )
    return error_response(response.status, message, kept)


def in_clients_shape(response: BackendResponse, path: str, headers: Headers) -> BackendResponse:
    """Return `response`; an error in Watson's shape becomes one in OpenAI's for clients that speak that."""
    if response.status < 400 or not openai_dialect.is_spoken(path, dict(headers)):
        return response
    message = openai_dialect.message_of(response.body)
    if message is None:
        return response
    return BackendResponse(
        response.status, response.headers, openai_dialect.error_body(response.status, message).encode()
    )


def _foreign_message(response: BackendResponse) -> str | None:
    """Return the message of an error that is not in the service's own words, or None."""
    default = HTTPStatus(response.status).phrase if response.status in set(HTTPStatus) else "Error"
    try:
        document = json.loads(response.body)
    except ValueError:
        return default
    if not isinstance(document, dict):
        return default
    if document.keys() <= {"Code", "Message", "message"}:
        message = document.get("Message") or document.get("message")
        return message if isinstance(message, str) else default
    return None
