"""`python -m infra.local`: runs the whole service on this machine until it is stopped."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import os
import ssl
import sys
from pathlib import Path

from chalicelib.storage import failures
from chalicelib.storage.credentials import SHORTEST_KEY_CHARACTERS
from infra.local.home import Home, HomeInUse
from infra.local.processes.supervision import Unstable
from infra.local.service import CannotListen, Front, LocalService
from infra.local.wire import LOOPBACK

_DEFAULT_PORT, _DEFAULT_TLS_PORT = 8080, 8443
_MAX_PORT = 65535


class _Misconfigured(Exception):
    """A variable makes no sense; the message is for the user."""


def _port(variable: str, default: int) -> int:
    text = os.environ.get(variable) or str(default)
    if not (text.isdecimal() and 0 < int(text) <= _MAX_PORT):
        raise _Misconfigured(f"{variable} must be a port number between 1 and {_MAX_PORT}, not {text!r}.")
    return int(text)


def _address() -> str:
    text = os.environ.get("ATTUNE_BIND") or LOOPBACK
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise _Misconfigured(
            f"ATTUNE_BIND must be an IP address of this machine, such as 127.0.0.1 or 0.0.0.0, not {text!r}."
        ) from None


def _front(home: Home) -> Front:
    """Return where to serve; makes a certificate where the operator has named none."""
    http, https = _port("PORT", _DEFAULT_PORT), _port("TLS_PORT", _DEFAULT_TLS_PORT)
    address = _address()
    own = [os.environ.get(name) for name in ("ATTUNE_CERTIFICATE", "ATTUNE_CERTIFICATE_KEY")]
    if not any(own):
        home.ensure_certificate()
        return Front(http, https, home.certificate, home.certificate_key, address)
    certificate, key = own
    if not certificate or not key:
        raise _Misconfigured(
            "ATTUNE_CERTIFICATE and ATTUNE_CERTIFICATE_KEY belong together: name both files."
        )
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password=_no_password)
    except (OSError, ValueError) as error:
        raise _Misconfigured(
            f"ATTUNE_CERTIFICATE={certificate} and ATTUNE_CERTIFICATE_KEY={key} cannot be used ({error}). "
            "They must be PEM files: the certificate, with those that signed it behind it, and its key, "
            "without a password."
        ) from None
    return Front(http, https, Path(certificate).absolute(), Path(key).absolute(), address)


def _no_password() -> str:
    raise ValueError("the key has a password")


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


def _banner(home: Home, front: Front, api_key: str) -> str:
    everywhere = ipaddress.ip_address(front.address).is_unspecified
    host = LOOPBACK if everywhere else front.address
    host = f"[{host}]" if ":" in host else host
    url = f"http://{host}:{front.http}"
    signed = (
        f"self-signed: {front.certificate}" if front.certificate == home.certificate else front.certificate
    )
    also = (
        "\n  Reached  by everybody who can reach this machine (ATTUNE_BIND)"
        if front.address != LOOPBACK
        else ""
    )
    return f"""
Attune is ready.

  HTTP     {url}
  HTTPS    https://{host}:{front.https}   ({signed}){also}
  Console  {url}/console
  API key  {api_key}
  State    {home.path}   (logs in {home.logs})

Try:

  curl -u 'apikey:{api_key}' {url}/v1/models

Ctrl-C stops it; nothing that was acknowledged gets lost.
"""


async def _run(home: Home, front: Front, api_key: str) -> None:
    service = LocalService(home, front, api_key)
    await service.run(lambda: print(_banner(home, front, api_key), flush=True))


def main() -> int:
    """Run the service and return the exit status."""
    logging.basicConfig(level=logging.WARNING, format="attune: %(message)s", stream=sys.stderr)
    home = Home(Path(os.environ.get("ATTUNE_HOME") or ".attune").absolute())
    try:
        with home.lock():
            front = _front(home)
            asyncio.run(_run(home, front, _api_key(home)))
    except (HomeInUse, CannotListen, Unstable, _Misconfigured) as error:
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
