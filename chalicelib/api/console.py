"""`/` and `/console`: the pages for people. They need no credentials, and contain no data."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from chalice.app import Chalice, Request, Response

from chalicelib.api.http import compression, errors
from chalicelib.api.http.calls import Call
from chalicelib.api.http.routing import response, transaction_id_of
from chalicelib.console import pages
from chalicelib.direct_uploads import addresses


class ConsoleRoutes:
    """The console's routes. They answer in files, so they are none of those that answer in JSON."""

    def mount(self, app: Chalice) -> None:
        """Let the application serve the pages; no scripts of other sites need them: there is no preflight."""

        def declare(path: str, name: str, view: Callable[..., Response]) -> None:
            app.route(path, name=name, methods=["GET"], content_types=[])(view)

        def request() -> Request:
            assert app.current_request is not None
            return app.current_request

        declare("/", "show_welcome", lambda: _shown(request(), pages.WELCOME))
        declare("/console", "show_console", lambda: _shown(request(), pages.CONSOLE))
        declare(
            "/console/{file_name}",
            "get_console_file",
            lambda file_name: _shown(request(), file_name),
        )


routes = ConsoleRoutes()


def _shown(request: Request, name: str) -> Response:
    transaction_id = transaction_id_of(request)
    root = urlsplit(Call.read(request, "", {}, transaction_id).base_url).path
    page = pages.page(name, root)
    if page is None:
        message = f"Not Found: the console has no file {name[:100]!r}; its page is at {root}/console."
        return response(404, errors.service_body(404, message), transaction_id)
    headers: dict[str, str | list[str]] = {**pages.headers(addresses.store()), "ETag": page.tag}
    if request.headers.get("if-none-match") == page.tag:
        return Response("", headers, 304)
    headers["Content-Type"] = page.content_type
    if compression.accepts_gzip(request.headers.get("accept-encoding", "")):
        return Response(page.compressed, headers | {"Content-Encoding": "gzip"})
    return Response(page.plain, headers)
