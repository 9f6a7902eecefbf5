"""Speaks HTTP to a Watson-compatible service: waits where it asks to, tries again while it is away."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

import requests

from attune_cli import VERSION
from attune_cli.configuration import Credentials
from attune_cli.errors import Away, CommandError
from attune_cli.refusals import error_of, message_of, unreachable, untrusted

CONNECT_TIMEOUT_S = 10.0
READ_TIMEOUT_S = 300.0
PATIENCE_S = 60.0
"""For how long a command tries again, unless it is one that works for long."""
LONG_PATIENCE_S = 1800.0
"""Of uploads, of what watches, and of imports."""
FIRST_CONTACT_S = 4.0
"""For how long a service is tried that has never answered: a wrong URL should say so soon."""
_FIRST_PAUSE_S = 0.3
_LONGEST_PAUSE_S = 20.0
_SAID_FROM_S = 2.0
_SEE_OTHER = 303
_TRANSIENT = frozenset({429, 500, 502, 503, 504})

Body = bytes | Callable[[], Any] | None
"""What is sent; a function gives it anew for each attempt."""


class CommandStopped(Exception):
    """The user has ended the command while this thread was at work."""


class Uncertain(Away):
    """A request may have been taken, though its answer never came."""


@dataclass(frozen=True)
class ServiceAnswer:
    """What the service said.

    Attributes:
        status: of HTTP.
        document: the JSON, None if there was none.
        content: the bytes.
        content_type: of the bytes.
        uncertain: an earlier attempt may have been taken, though its answer never came.
    """

    status: int
    document: Any
    content: bytes
    content_type: str
    uncertain: bool


class Service:
    """A service and the key that opens it; usable from several threads."""

    def __init__(
        self,
        credentials: Credentials,
        *,
        patience_s: float = PATIENCE_S,
        say: Callable[[str], None] = lambda text: None,
    ) -> None:
        self.credentials = credentials
        self.patience_s = patience_s
        self._say = say
        self._own = threading.local()
        self._stop = threading.Event()
        self._has_answered = False
        self.has_uploads: bool | None = None
        """Whether the service takes bodies by its store; None: nobody has asked yet."""
        self._last_said_s = -_LONGEST_PAUSE_S

    def stop(self) -> None:
        """Have every thread that is at work end soon."""
        self._stop.set()

    def check_stopped(self) -> None:
        """Raise CommandStopped once the user has ended the command."""
        if self._stop.is_set():
            raise CommandStopped

    def pause(self, seconds: float) -> None:
        """Wait, unless the user ends the command."""
        if self._stop.wait(seconds):
            raise CommandStopped

    def get(self, path: str, **query: Any) -> Any:
        """Return the JSON below a path; `query` without what is None."""
        return _document(self.call("GET", path, query=query))

    def post(self, path: str, document: Any = None, **query: Any) -> Any:
        """Send JSON, or nothing, and return the JSON that is answered."""
        return _document(self.call("POST", path, document=document, query=query))

    def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        document: Any = None,
        body: Body = None,
        headers: Mapping[str, str] | None = None,
        accepted: frozenset[int] = frozenset(),
        once: bool = False,
        elsewhere: bool = False,
    ) -> ServiceAnswer:
        """Ask, again and again while that may help, and return the answer.

        Args:
            method: of HTTP.
            path: below the URL, each part quoted (`path`); a whole URL with `elsewhere`.
            query: parameters; None, False and empty ones are left out, True is `true`.
            document: sent as JSON in place of a body.
            body: bytes, or what opens them for each attempt.
            headers: beside those that every call has.
            accepted: statuses of refusals that the caller wants to see.
            once: do not send it again when the first attempt may have been taken.
            elsewhere: the path is a URL that the service has named, which is asked without the key.

        Raises:
            Uncertain: with `once`, nobody knows whether it was taken.
            CommandError: the service refuses, or is away for longer than the command's patience.
        """
        began_s = time.monotonic()
        pause_s = _FIRST_PAUSE_S
        uncertain = False
        url = path if elsewhere else f"{self.credentials.url}{path}"
        host = _host_of(path) if elsewhere else self.credentials.url
        while True:
            self.check_stopped()
            error: CommandError
            try:
                response = self._send(
                    method,
                    url,
                    query=query,
                    document=document,
                    body=body,
                    headers=headers,
                    elsewhere=elsewhere,
                )
            except requests.exceptions.SSLError as failure:
                raise untrusted(host, failure) from None
            except (
                requests.ConnectionError,
                requests.Timeout,
                requests.exceptions.ChunkedEncodingError,
            ) as failure:
                uncertain = uncertain or not isinstance(failure, requests.ConnectTimeout)
                error, wait_s = unreachable(host), pause_s
            except requests.RequestException as failure:
                raise CommandError(f"{host} cannot be asked: {failure}.") from None
            else:
                self._has_answered = True
                if response.status_code < 300 or response.status_code in accepted:
                    return _answer(response, uncertain)
                error = error_of(response)
                if response.status_code not in _TRANSIENT:
                    raise error
                uncertain = uncertain or response.status_code in (500, 502, 504)
                wait_s = _retry_after_s(response) or pause_s
            if uncertain and once:
                raise Uncertain(str(error), error.way_out, error.code)
            pause_s = min(_LONGEST_PAUSE_S, 2 * pause_s)
            left_s = (self.patience_s if self._has_answered else FIRST_CONTACT_S) - (
                time.monotonic() - began_s
            )
            if wait_s > left_s:
                raise error
            self._tell(error, wait_s)
            self.pause(wait_s * random.uniform(1.0, 1.1))

    def _send(
        self,
        method: str,
        url: str,
        *,
        query: Mapping[str, Any] | None,
        document: Any,
        body: Body,
        headers: Mapping[str, str] | None,
        elsewhere: bool,
    ) -> requests.Response:
        parameters = {
            name: "true" if value is True else value
            for name, value in (query or {}).items()
            if value is not None and value is not False and value != ""
        }
        session = self._session()
        response = session.request(
            method,
            url,
            params=parameters,
            json=document,
            data=body() if callable(body) else body,
            headers=dict(headers or {}),
            timeout=(CONNECT_TIMEOUT_S, READ_TIMEOUT_S),
            allow_redirects=False,
            **(self._without_key(url) if elsewhere else {}),
        )
        if response.status_code == _SEE_OTHER and "Location" in response.headers:
            # An answer that is too large for AWS Lambda lies in the store.
            there = response.headers["Location"]
            timeout = (CONNECT_TIMEOUT_S, READ_TIMEOUT_S)
            response = session.get(there, timeout=timeout, allow_redirects=False, **self._without_key(there))
        return response

    def _without_key(self, url: str) -> dict[str, Any]:
        """Return how a URL is asked whose query is its credentials: the store refuses a second kind."""
        options: dict[str, Any] = {"auth": lambda request: request}
        if _host_of(url) != _host_of(self.credentials.url):
            options["verify"] = True
        return options

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._own, "session", None)
        if session is None:
            session = requests.Session()
            session.auth = ("apikey", self.credentials.key)
            session.headers["User-Agent"] = f"attune-cli/{VERSION}"
            session.headers["Accept"] = "*/*"
            if self.credentials.certificate:
                session.verify = self.credentials.certificate
                session.trust_env = False  # else a bundle named in the environment would be believed instead
            self._own.session = session
        return session

    def _tell(self, error: CommandError, wait_s: float) -> None:
        """Say why nothing happens, not too often, and not of what is over in a moment."""
        now_s = time.monotonic()
        if wait_s >= _SAID_FROM_S and now_s - self._last_said_s >= _LONGEST_PAUSE_S / 2:
            self._last_said_s = now_s
            self._say(f"{error} Trying again in {wait_s:.0f} s by itself …")


def _host_of(url: str) -> str:
    """Return the URL of the host alone."""
    split = urlsplit(url)
    return f"{split.scheme}://{split.netloc}"


def path(*parts: str) -> str:
    """Return a path below `/v1` of parts that may have any characters."""
    return "/v1/" + "/".join(quote(part, safe="") for part in parts)


def _document(answer: ServiceAnswer) -> Any:
    if answer.document is None:
        raise CommandError(
            "The service answered with something that is no JSON.", "Is the URL that of a speech service?"
        )
    return answer.document


def _answer(response: requests.Response, uncertain: bool) -> ServiceAnswer:
    content_type = response.headers.get("Content-Type", "")
    document: Any = None
    if "json" in content_type and response.content.strip():
        with contextlib.suppress(ValueError):
            document = response.json()
    if isinstance(document, dict) and response.ok and "error" in document and "code" in document:
        # A recognition that keeps its connection alive has sent its status long before it failed.
        raise CommandError(message_of(response), code=document["code"])
    return ServiceAnswer(response.status_code, document, response.content, content_type, uncertain)


def _retry_after_s(response: requests.Response) -> float | None:
    try:
        return max(0.0, float(response.headers["Retry-After"]))
    except (KeyError, ValueError):
        return None
