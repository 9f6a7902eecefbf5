"""Why a callback cannot be called or registered; the texts are for the client."""

from __future__ import annotations


class CallbackError(Exception):
    """A callback URL cannot be used."""


class InvalidUrl(CallbackError, ValueError):
    """It is no URL that can be called back."""


class AddressNotAllowed(CallbackError):
    """It leads to an address that is nobody's business."""


class Unreachable(CallbackError):
    """Nobody answers there, or not in time, or nothing that can be understood."""


class ChallengeFailed(CallbackError):
    """Whoever answers there did not return the challenge."""


class TooManyRegistrations(CallbackError):
    """The owner has registered as many callbacks within an hour as are allowed."""


class NotRegistered(LookupError):
    """The owner has not registered that URL."""

    def __init__(self, url: str) -> None:
        super().__init__(
            f"The callback URL '{url[:500]}' is not registered: register it with POST /v1/register_callback."
        )
