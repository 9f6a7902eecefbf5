"""`/v1/user_data`: removes everything with a customer's label."""

from __future__ import annotations

from typing import Any

from chalicelib.api.http import parameters
from chalicelib.api.http.calls import Call
from chalicelib.api.http.errors import BadRequest
from chalicelib.api.http.routing import Routes
from chalicelib.user_data import erasures

routes = Routes()


@routes.route("DELETE", "/user_data")
def delete_user_data(call: Call) -> dict[str, Any]:
    """Remove all data with a label; what a training is using is removed when that is over."""
    customer_id = parameters.text(call, "customer_id")
    if customer_id is None:
        raise BadRequest("Required parameter 'customer_id' is missing")
    erasures.request(call.owner, customer_id)
    return {}
