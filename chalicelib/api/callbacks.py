"""`/v1/register_callback` and `/v1/unregister_callback`: where to tell of recognition jobs and trainings."""

from __future__ import annotations

from typing import Any

from chalicelib.api import errors, parameters
from chalicelib.api.calls import Answer, Call
from chalicelib.api.errors import BadRequest
from chalicelib.api.routing import Routes
from chalicelib.callbacks import registrations
from chalicelib.callbacks.errors import CallbackError, NotRegistered

routes = Routes()

errors.register(CallbackError, 400)
errors.register(NotRegistered, 404)


@routes.route("POST", "/register_callback")
def register_callback(call: Call) -> Answer:
    """Register a URL, after whoever answers there has shown that the calls are wanted."""
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
