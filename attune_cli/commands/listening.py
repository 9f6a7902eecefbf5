"""`attune listen`: transcribes a microphone while you speak."""

from __future__ import annotations

import base64
import contextlib
import json
import ssl
import threading
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

import click
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from attune_cli import microphone
from attune_cli.client import Service
from attune_cli.commands.transcribing import chosen
from attune_cli.errors import Away, CommandError
from attune_cli.invocation import Invocation, invoked
from attune_cli.refusals import refusal, unreachable, untrusted
from attune_cli.screen import Screen

_OPEN_TIMEOUT_S = 20.0
_LARGEST_MESSAGE_BYTES = 16 << 20


@click.command()
@click.option("--model", "-m", help="A base model, or a custom model by name or id.")
@click.option("--language-model", help="A custom language model beside it.")
@click.option("--version", type=int, help="An earlier version of the custom acoustic model.")
@click.option(
    "--stdin", "from_stdin", is_flag=True, help="16-bit little-endian mono samples from standard input."
)
@click.option(
    "--rate", "rate_hz", type=click.IntRange(8_000, 48_000), default=16_000, show_default=True, help="In Hz."
)
@click.option("--device", help="Number or name of the microphone.")
@click.option("--spoken", is_flag=True, help="Words as they are spoken: no capitals, no punctuation.")
@invoked
def listen(
    invocation: Invocation,
    *,
    model: str | None,
    language_model: str | None,
    version: int | None,
    from_stdin: bool,
    rate_hz: int,
    device: str | None,
    spoken: bool,
) -> None:
    """Write down what is said into the microphone, as it is said. Ctrl-C ends it.

    With --json each message of the service is a line.
    """
    service = invocation.service()
    query = chosen(service, model, language_model, version)
    with contextlib.ExitStack() as stack:
        if from_stdin:
            blocks: Iterable[bytes] = microphone.standard_input(rate_hz)
        else:
            blocks = stack.enter_context(microphone.microphone(rate_hz, device))
        socket = stack.enter_context(_connected(service, query))
        start: dict[str, Any] = {
            "action": "start",
            "content-type": f"audio/l16;rate={rate_hz};endianness=little-endian",
            "interim_results": True,
            "inactivity_timeout": -1,
        }
        socket.send(json.dumps(start if spoken else start | {"written": True}))
        if not from_stdin:
            invocation.screen.note("Listening. Ctrl-C ends it.")
        _converse(socket, blocks, invocation.screen)


def _connected(service: Service, query: dict[str, str]) -> ClientConnection:
    """Open the WebSocket.

    Raises:
        CommandError: the service refuses, or cannot be reached.
    """
    credentials = service.credentials
    url = f"ws{credentials.url.removeprefix('http')}/v1/recognize?{urlencode(query)}"
    login = base64.b64encode(f"apikey:{credentials.key}".encode()).decode()
    context = None
    if credentials.url.startswith("https:"):
        context = ssl.create_default_context(cafile=credentials.certificate or None)
    try:
        return connect(
            url,
            additional_headers={"Authorization": f"Basic {login}"},
            ssl=context,
            compression=None,
            open_timeout=_OPEN_TIMEOUT_S,
            ping_timeout=None,
            max_size=_LARGEST_MESSAGE_BYTES,
        )
    except InvalidStatus as error:
        response = error.response
        try:
            message = str(json.loads(response.body or b"{}").get("error", ""))
        except (ValueError, AttributeError):
            message = ""
        raise refusal(
            response.status_code,
            message or f"The service refuses with status {response.status_code}.",
            response.headers.get("Retry-After", ""),
        ) from None
    except ssl.SSLError as error:
        raise untrusted(credentials.url, error) from None
    except (OSError, TimeoutError, InvalidHandshake):
        raise unreachable(credentials.url) from None


def _converse(socket: ClientConnection, blocks: Iterable[bytes], screen: Screen) -> None:
    """Send what is heard from a thread, and show what comes back, until both have ended."""
    ended = threading.Event()

    def speak() -> None:
        with contextlib.suppress(ConnectionClosed):
            for block in blocks:
                if ended.is_set():
                    break
                socket.send(block)
            socket.send(json.dumps({"action": "stop"}))

    speaker = threading.Thread(target=speak, daemon=True)
    speaker.start()
    interrupted = False
    greeted = False
    while True:
        try:
            message = json.loads(socket.recv())
        except KeyboardInterrupt:
            if interrupted:
                raise
            interrupted = True
            ended.set()  # what was said last is still told
            continue
        except ConnectionClosed as closed:
            code = closed.rcvd.code if closed.rcvd is not None else None
            if code == 1000:
                return
            raise Away(
                "The connection has ended before the last words.", "Run the same command again."
            ) from None
        if "error" in message:
            ended.set()
            raise CommandError(str(message["error"]))
        if "state" in message:
            if greeted:
                return
            greeted = True
            continue
        if screen.as_json:
            screen.show(message)
            continue
        _show(message, screen)


def _show(message: dict[str, Any], screen: Screen) -> None:
    for warning in message.get("warnings", ()):
        if "written" not in warning:
            screen.warn(str(warning))
    for result in message.get("results", ()):
        best = result["alternatives"][0]
        text = str(best.get("written") or best.get("transcript") or "").strip()
        if result.get("final"):
            if text:
                screen.settle(text)
        else:
            screen.interim(text)


COMMANDS = (listen,)
