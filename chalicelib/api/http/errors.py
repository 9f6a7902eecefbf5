"""Errors as Watson words them: one table from exception to status and message."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from chalicelib.audio import content_types
from chalicelib.customization import errors as customization
from chalicelib.storage import conditional, failures, kept_version, spool

_DOCUMENTATION = "docs/api.md#credentials, in Attune's documentation"
_DESCRIPTIONS = {413: "Payload Too Large"}


@dataclass
class ApiError(Exception):
    """A request that the API itself refuses; `message` is for the client."""

    status: int
    message: str


class BadRequest(ApiError):
    """A parameter, a header or the body makes no sense."""

    def __init__(self, message: str) -> None:
        super().__init__(400, message)


class NotFound(ApiError):
    """What the path names does not exist."""

    def __init__(self, message: str) -> None:
        super().__init__(404, message)


class Unauthorized(Exception):
    """Credentials are missing or wrong; answered in the shape of the platform, not of the service."""


class Forbidden(Exception):
    """The credentials are good, but for another service instance; answered in the platform's shape."""


Wording = Callable[[Any], str]


def _busy(error: customization.ModelBusy) -> str:
    return f"Customization '{error.customization_id}' is currently locked to process your last request."


def _exists(error: customization.ResourceExists) -> str:
    return (
        f"{error.resource.capitalize()} '{error.name}' already exists. "
        "If you want to overwrite it, please set the flag 'allow_overwrite' to 'true'"
    )


_TABLE: dict[type[Exception], tuple[int, Wording]] = {
    ApiError: (0, lambda error: str(error.message)),
    customization.MalformedId: (400, lambda error: f"Malformed GUID: '{error.customization_id}'"),
    customization.UnknownCustomModel: (
        401,
        lambda error: f"Invalid customization_id '{error.customization_id}' for user",
    ),
    customization.UnknownBaseModel: (400, lambda error: f"The base model '{error.name}' is not recognized"),
    customization.UnknownBaseVersion: (
        400,
        lambda error: (
            f"The base model '{error.name}' has no version '{error.version}'; "
            f"it has {', '.join(error.versions)}."
        ),
    ),
    customization.NotServed: (400, lambda error: str(error.reason)),
    customization.NotCustomizable: (
        400,
        lambda error: (
            f"The base model '{error.name}' does not support custom {error.kind} models"
            + (f"; use base model version {' or '.join(error.versions)}." if error.versions else "")
        ),
    ),
    customization.WrongDialect: (
        400,
        lambda error: (
            f"Dialect '{error.dialect}' is not supported for language '{error.language}': "
            f"it must be '{error.right}'."
        ),
    ),
    customization.UnsupportedLanguage: (
        400,
        lambda error: f"Language '{error.language}' is not supported for customization",
    ),
    customization.TooManyModels: (
        400,
        lambda error: (
            f"This service instance has {error.limit} custom {error.kind} models, "
            "which is the most it can have. Delete a custom model before you create another one."
        ),
    ),
    customization.ModelBusy: (409, _busy),
    customization.BadName: (
        400,
        lambda error: f"Invalid value for {error.resource} name '{error.name[:200]}': {error.reason}",
    ),
    customization.ResourceExists: (400, _exists),
    customization.NameTaken: (
        400,
        lambda error: (
            f"{error.other.capitalize()} '{error.name}' already exists. A {error.resource} cannot have its "
            f"name: use another one, or delete the {error.other} first."
        ),
    ),
    customization.ResourceBusy: (
        409,
        lambda error: (
            f"{error.resource.capitalize()} '{error.name}' is currently locked to process your last request."
        ),
    ),
    customization.UnknownResource: (
        400,
        lambda error: f"Invalid value for {error.resource} name '{error.name}'",
    ),
    customization.UnknownWord: (404, lambda error: f"Invalid value for word '{error.word}'"),
    customization.BadWord: (400, lambda error: str(error.reason)),
    customization.TooManyWords: (
        400,
        lambda error: f"A custom language model can have at most {error.limit} out-of-vocabulary words.",
    ),
    customization.TrainingRefused: (400, lambda error: str(error.reason)),
    customization.NothingModified: (400, lambda error: "No input data modified since last training"),
    customization.UpgradeRefused: (400, lambda error: str(error.reason)),
    customization.NotTraining: (
        409,
        lambda error: f"Customization '{error.customization_id}' is not being trained or upgraded.",
    ),
    customization.NoReport: (
        404,
        lambda error: f"No training of customization '{error.customization_id}' has left a report yet.",
    ),
    customization.UnknownKeptVersion: (
        404,
        lambda error: kept_version.unknown(error.customization_id, error.version, error.known),
    ),
    customization.CurrentVersion: (
        409,
        lambda error: (
            f"Version {error.version} of customization '{error.customization_id}' is the current one and "
            "cannot be deleted. Activate another version first, or reset the custom model."
        ),
    ),
    customization.ChangedMeanwhile: (
        409,
        lambda error: (
            f"Somebody else has changed the versions of customization '{error.customization_id}' at this "
            + (f"moment: version {error.current} is the current one. " if error.current else "moment. ")
            + "Look at them, and repeat your request if it still holds."
        ),
    ),
    customization.NoCallback: (
        404,
        lambda error: f"Customization '{error.customization_id}' has no callback that is told of it.",
    ),
    content_types.UnsupportedContentType: (415, str),
    content_types.ContentTypeError: (400, str),
    spool.ForgedReference: (400, str),
    conditional.Contended: (
        503,
        lambda error: "Too many simultaneous requests change this resource; please try again in a moment.",
    ),
}


def known(error: Exception) -> tuple[int, str] | None:
    """Return status and message of an exception that the table, or the kind of a store's failure, knows."""
    for kind in type(error).__mro__:
        if kind in _TABLE:
            status, wording = _TABLE[kind]
            return (error.status if isinstance(error, ApiError) else status), wording(error)
    if isinstance(error, failures.FAILURES):
        match failures.kind(error):
            case failures.StoreFailure.NO_ROOM:
                return 507, "The service has no room left to store this."
            case failures.StoreFailure.FOR_A_WHILE:
                return 503, "The service's store does not answer; please try again in a moment."
            case failures.StoreFailure.UNEXPECTED:
                return None
    return None


def register(kind: type[Exception], status: int, wording: Wording = str) -> None:
    """Add a resource's own exceptions to the table."""
    _TABLE[kind] = (status, wording)


def description(status: int) -> str:
    """Return the standard phrase of a status."""
    return _DESCRIPTIONS.get(status) or HTTPStatus(status).phrase


def service_body(status: int, message: str) -> str:
    """Return the JSON of a service error."""
    return json.dumps({"code_description": description(status), "code": status, "error": message})


def platform_body(status: int, trace: str) -> str:
    """Return the JSON of an error of the platform in front of the service: 401 and 403."""
    return json.dumps(
        {
            "trace": trace,
            "error": description(status),
            "more_info": _DOCUMENTATION,
            "code": status,
        }
    )
