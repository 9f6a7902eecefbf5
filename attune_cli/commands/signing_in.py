"""`attune login`, `attune logout`: what opens a service, kept for the next commands."""

from __future__ import annotations

import sys
from pathlib import Path
from urllib.parse import urlsplit

import click

from attune_cli import configuration
from attune_cli.client import Service, path
from attune_cli.configuration import Credentials
from attune_cli.errors import WrongUsage
from attune_cli.invocation import Invocation, invoked
from attune_cli.screen import counted

_OWN_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})


@click.command()
@click.option(
    "--key-file", type=click.Path(exists=True, dir_okay=False), help="A file that holds the API key."
)
@invoked
def login(invocation: Invocation, key_file: str | None) -> None:
    """Keep the URL and the API key of a service, after trying them.

    What is not given is asked for. On one machine the key lies in .attune/api-key.
    """
    url = configuration.base_url(invocation.url or click.prompt("URL", err=True))
    key = invocation.key or (Path(key_file).read_text().strip() if key_file else None)
    if key is None:
        if not sys.stdin.isatty():
            raise WrongUsage("No key is given.", "Give --key-file FILE, or --key KEY.")
        key = click.prompt("API key (is not shown)", hide_input=True, err=True).strip()
    certificate = str(Path(invocation.certificate).absolute()) if invocation.certificate else ""
    credentials = Credentials(url, key, certificate)
    service = Service(credentials, say=invocation.screen.note)
    base_models = service.get(path("models"))["models"]
    custom = service.get(path("acoustic_customizations"))["customizations"]
    profile = invocation.profile or configuration.DEFAULT_PROFILE
    kept = configuration.store(profile, credentials)
    host = urlsplit(url)
    if host.scheme == "http" and host.hostname not in _OWN_MACHINE:
        invocation.screen.warn(
            "The key goes over the network unencrypted: use https where the service has it."
        )
    invocation.screen.show(
        {"url": url, "profile": profile, "file": str(kept), "custom_acoustic_models": len(custom)},
        f"Signed in at {url}: {counted(len(base_models), 'base model')}, "
        f"{counted(len(custom), 'custom acoustic model')} of yours. Kept in {kept}.",
    )


@click.command()
@invoked
def logout(invocation: Invocation) -> None:
    """Forget the key of a service. The key itself stays good."""
    profile = invocation.profile or configuration.DEFAULT_PROFILE
    kept = configuration.store(profile, None)
    invocation.screen.show({"profile": profile, "file": str(kept)}, f"Profile {profile!r} is forgotten.")


COMMANDS = (login, logout)
