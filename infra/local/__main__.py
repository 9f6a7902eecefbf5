"""`python -m infra.local`: runs the whole service on this machine until it is stopped."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from pathlib import Path

from chalicelib.storage import failures
from chalicelib.storage.credentials import SHORTEST_KEY_CHARACTERS
from infra.local.home import Home, HomeInUse
from infra.local.service import Ports, PortTaken, Service
from infra.local.supervision import Unstable

_DEFAULT_PORT, _DEFAULT_TLS_PORT = 8080, 8443
_MAX_PORT = 65535


class _Misconfigured(Exception):
    """A variable makes no sense; the message is for the user."""


def _port(variable: str, default: int) -> int:
    text = os.environ.get(variable) or str(default)
    if not (text.isdecimal() and 0 < int(text) <= _MAX_PORT):
        raise _Misconfigured(f"{variable} must be a port number between 1 and {_MAX_PORT}, not {text!r}.")
    return int(text)


def _api_key(home: Home) -> str:
    chosen = os.environ.get("ATTUNE_API_KEY")
    if not chosen:
        return home.secret("api-key")
    if len(chosen) < SHORTEST_KEY_CHARACTERS:
        raise _Misconfigured(
            f"ATTUNE_API_KEY has {len(chosen)} characters, but a key needs at least "
            f"{SHORTEST_KEY_CHARACTERS}: shorter ones can be guessed. Leave it out to have one made."
        )
    return chosen


def _banner(home: Home, ports: Ports, api_key: str) -> str:
    url = f"http://127.0.0.1:{ports.http}"
    return f"""
Attune is ready.

  HTTP     {url}
  HTTPS    https://127.0.0.1:{ports.https}   (self-signed: {home.certificate})
  API key  {api_key}
  State    {home.path}   (logs in {home.logs})

Try:

  curl -u 'apikey:{api_key}' {url}/v1/models

Ctrl-C stops it; nothing that was acknowledged gets lost.
"""


async def _run(home: Home, ports: Ports, api_key: str) -> None:
    service = Service(home, ports, api_key)
    # The API logs to standard output: its lines go to a file, the banner to the terminal.
    with os.fdopen(os.dup(1), "w") as terminal, (home.logs / "api.log").open("a") as log:
        os.dup2(log.fileno(), 1)
        try:
            await service.run(lambda: print(_banner(home, ports, api_key), file=terminal, flush=True))
        finally:
            os.dup2(terminal.fileno(), 1)


def main() -> int:
    """Run the service and return the exit status."""
    logging.basicConfig(level=logging.WARNING, format="attune: %(message)s", stream=sys.stderr)
    home = Home(Path(os.environ.get("ATTUNE_HOME") or ".attune").absolute())
    try:
        ports = Ports(_port("PORT", _DEFAULT_PORT), _port("TLS_PORT", _DEFAULT_TLS_PORT))
        with home.lock():
            api_key = _api_key(home)
            home.ensure_certificate()
            asyncio.run(_run(home, ports, api_key))
    except (HomeInUse, PortTaken, Unstable, _Misconfigured) as error:
        print(f"attune: {error}", file=sys.stderr)
        return 1
    except failures.FAILURES as error:
        print(
            f"attune: the service could not be started: {error} The logs in {home.logs} say more.",
            file=sys.stderr,
        )
        return 1
    except OSError as error:
        print(f"attune: {home.path} cannot be used: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
