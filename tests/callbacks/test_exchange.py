"""One request, to the address that was looked up, within its bounds."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.callbacks import addresses, exchange
from chalicelib.callbacks.errors import AddressNotAllowed, InvalidUrl, Unreachable
from infra.local.home import Home
from tests.receiver import receiving


@pytest.mark.parametrize(
    "url",
    [
        *("", "ftp://example.com/", "file:///etc/passwd", "example.com/a", "http://", "http:///a", "//a.com"),
        *("http://user@example.com/", "http://user:pass@example.com/", "http://exa mple.com/"),
        *("http://example.com/\r\nHost: other", "http://example.com\\@other/", "http://example.com/#part"),
        *("http://example.com:99999/", "http://[::1/", "gopher://example.com/", "http://é.example/"),
        "http://example.com/" + "a" * 2048,
    ],
)
def test_what_cannot_be_called_back(url: str) -> None:
    with pytest.raises(InvalidUrl):
        exchange.parse(url)


@given(st.text(max_size=60))
def test_any_text_is_a_url_or_refused(text: str) -> None:
    for url in (text, f"http://{text}"):
        try:
            parsed = exchange.parse(url)
        except InvalidUrl:
            continue
        assert parsed.scheme in ("http", "https")
        assert parsed.host
        assert parsed.auth is None


def test_nothing_is_sent_to_this_machine() -> None:
    with receiving() as receiver:
        with pytest.raises(AddressNotAllowed):
            exchange.send("GET", receiver.url, {}, limit_s=2)
        assert receiver.challenges == []


def test_a_redirect_is_not_followed(private_allowed: None) -> None:
    with receiving() as receiver:
        receiver.statuses = [302]
        assert exchange.send("POST", receiver.url, {}, b"{}", limit_s=60).status == 302
        assert (len(receiver.told), receiver.challenges) == (1, [])
        (headers, body) = receiver.told[0]
        assert body == b"{}"
        assert headers["host"] == receiver.url.split("/")[2]


@contextlib.contextmanager
def _answering(*pieces: bytes, pause_s: float = 0.0) -> Iterator[str]:
    """Serve one connection with the given bytes, whatever was asked."""
    listener = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def serve() -> None:
        with contextlib.suppress(OSError), listener.accept()[0] as connection:
            connection.recv(65536)
            for piece in pieces:
                connection.sendall(piece)
                if over.wait(pause_s):
                    return

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    finally:
        over.set()
        listener.close()
        thread.join()


def test_only_so_much_is_read(private_allowed: None) -> None:
    with _answering(b"HTTP/1.1 200 OK\r\n\r\n", *[b"a" * 65536] * 20) as url:
        answer = exchange.send("GET", url, {}, limit_s=60)
    assert answer == exchange.Response(200, b"a" * exchange.MOST_BYTES)


@pytest.mark.parametrize("beginning", [b"HTTP/1.1 200 OK\r\nX-A: ", b"HTTP/1.1 200 OK\r\n\r\n"])
def test_an_answer_that_drips_is_broken_off(private_allowed: None, beginning: bytes) -> None:
    with _answering(beginning, *[b"a"] * 1000, pause_s=0.05) as url, pytest.raises(Unreachable):
        exchange.send("GET", url, {}, limit_s=0.5)


@pytest.mark.parametrize("answer", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n"])
def test_what_is_no_http_is_no_answer(private_allowed: None, answer: bytes) -> None:
    with _answering(answer) as url, pytest.raises(Unreachable):
        exchange.send("GET", url, {}, limit_s=60)


@pytest.mark.parametrize(("host", "trusted"), [("localhost", True), ("other.example", False)])
def test_a_certificate_has_to_be_the_hosts(
    private_allowed: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, host: str, trusted: bool
) -> None:
    home = Home(tmp_path)
    home.ensure_certificate()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(home.certificate, home.certificate_key)
    monkeypatch.setenv("SSL_CERT_FILE", str(home.certificate))
    exchange._trust.cache_clear()
    listener = socket.create_server(("127.0.0.1", 0))
    monkeypatch.setattr(addresses, "resolve", lambda host, port: ["127.0.0.1"])

    def serve() -> None:
        with contextlib.suppress(OSError):
            plain, _ = listener.accept()
            with context.wrap_socket(plain, server_side=True) as connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    thread = threading.Thread(target=serve)
    thread.start()
    url = f"https://{host}:{listener.getsockname()[1]}/"
    try:
        if trusted:
            assert exchange.send("GET", url, {}, limit_s=60).status == 204
        else:
            with pytest.raises(Unreachable):
                exchange.send("GET", url, {}, limit_s=60)
    finally:
        listener.close()
        thread.join()
        exchange._trust.cache_clear()
