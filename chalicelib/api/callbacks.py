"""Callbacks of recognition jobs and trainings: their URLs and secrets, and deliveries that failed."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from chalicelib.api.http import errors, parameters
from chalicelib.api.http.calls import Answer, Call
from chalicelib.api.http.errors import BadRequest
from chalicelib.api.http.routing import Routes
from chalicelib.callbacks import failed_deliveries, registrations
from chalicelib.callbacks.errors import CallbackError, NotRegistered
from chalicelib.callbacks.failed_deliveries import Failed, UnknownDelivery
from chalicelib.jobs import notifications
from chalicelib.storage.tables import RecognitionJob, TrainingEnd, watson_time

routes = Routes()

errors.register(CallbackError, 400)
errors.register(NotRegistered, 404)
errors.register(UnknownDelivery, 404)

LISTED = 100
_OVERLAP_MINUTES = 24 * 60
_LONGEST_OVERLAP_MINUTES = 7 * 24 * 60


@routes.route("POST", "/register_callback")
def register_callback(call: Call) -> Answer:
    """Register a URL, which has to answer a challenge first."""
    url = _url(call)
    secret, customer_id = parameters.text(call, "user_secret"), parameters.customer_id(call)
    created = registrations.register(call.owner, url, secret, customer_id)
    return Answer(
        201 if created else 200, {"status": "created" if created else "already created", "url": url}
    )


@routes.route("POST", "/unregister_callback")
def unregister_callback(call: Call) -> dict[str, Any]:
    """Forget a URL."""
    registrations.unregister(call.owner, _url(call))
    return {}


@routes.route("POST", "/rotate_callback_secret")
def rotate_callback_secret(call: Call) -> dict[str, Any]:
    """Sign with another secret, and for a time with the former one as well."""
    url, secret = _url(call), parameters.text(call, "user_secret")
    if secret is None:
        raise BadRequest("Required parameter 'user_secret' is missing")
    minutes = parameters.number(call, "overlap_minutes", 0, _LONGEST_OVERLAP_MINUTES)
    overlap = timedelta(minutes=_OVERLAP_MINUTES if minutes is None else minutes)
    registrations.rotate(call.owner, url, secret, overlap)
    return {}


@routes.route("GET", "/callback_deliveries")
def callback_deliveries(call: Call) -> dict[str, Any]:
    """List the deliveries that were given up after three days."""
    return {"deliveries": [_shown(failed) for failed in itertools.islice(_failed(call.owner), LISTED)]}


@routes.route("POST", "/callback_deliveries/{delivery_id}/resend")
def resend_callback_delivery(call: Call, delivery_id: str) -> dict[str, Any]:
    """Try a delivery once more, now."""
    for failed in _failed(call.owner):
        if failed.delivery_id == delivery_id:
            failed_deliveries.resend(failed)
            return {}
    raise UnknownDelivery(delivery_id)


def _failed(owner: str) -> Iterator[Failed[Any]]:
    from chalicelib.training import ends  # the API function starts without it

    yield from notifications.failed(owner)
    yield from ends.untold(owner)


def _shown(failed: Failed[RecognitionJob] | Failed[TrainingEnd]) -> dict[str, Any]:
    row = failed.row
    about = row.job_id if isinstance(row, RecognitionJob) else json.loads(row.detail)["customization_id"]
    return {
        "delivery_id": failed.delivery_id,
        "callback_url": row.callback_url,
        "event": failed.event,
        "id": about,
        "attempts": failed.attempts,
        "failed": watson_time(failed.failed),
        "error": failed.error,
    }


def registered(call: Call, url: str | None) -> str | None:
    """Return the URL that a request wants to have told of something; None: it wants none.

    Raises:
        BadRequest: it is not registered.
    """
    if url is not None and registrations.find(call.owner, url) is None:
        raise BadRequest(str(NotRegistered(url)))
    return url


def _url(call: Call) -> str:
    url = parameters.text(call, "callback_url")
    if url is None:
        raise BadRequest("Required parameter 'callback_url' is missing")
    return url
