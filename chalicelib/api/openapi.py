"""`/openapi.json` and `/docs`: what the service can be asked, for programs and for people."""

from __future__ import annotations

import functools
import json

from chalicelib.api.http.calls import Answer, Call, Content
from chalicelib.api.http.routing import Routes

routes = Routes()


@routes.route("GET", "/openapi.json", prefixes=("",), needs_credentials=False)
def get_description(call: Call) -> Answer:
    """Describe all routes in OpenAPI 3.1."""
    return Answer(200, Content(_description().encode(), "application/json"))


@functools.cache
def _description() -> str:
    from chalicelib.api.descriptions import document  # the API function starts without it

    return json.dumps(document.document(), ensure_ascii=False)


@routes.route("GET", "/docs", prefixes=("",), needs_credentials=False)
def get_documentation(call: Call) -> Answer:
    """Show the description as a page."""
    from chalicelib.api.descriptions import page

    html, policy = page.page()
    headers = {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
    }
    return Answer(200, Content(html.encode(), "text/html; charset=utf-8"), headers)
