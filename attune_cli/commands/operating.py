"""`attune bases`: what the service recognises with, and, where it is on this machine, staging other bases."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click

from attune_cli.client import path
from attune_cli.errors import CommandError
from attune_cli.invocation import Invocation, invoked
from attune_cli.screen import table

SERVICE_VARIABLE = "ATTUNE_SERVICE"
_DEPLOYED = frozenset(
    {"ATTUNE_BUCKET", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ENDPOINT_URL"}
)
"""Whoever has set one of these means a service elsewhere than on this machine."""
_ANY = {"ignore_unknown_options": True}


@click.command(context_settings=_ANY)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[add|list|check|remove] …")
@invoked
def bases(invocation: Invocation, arguments: tuple[str, ...]) -> None:
    """List the base models, or, where the service is on this machine, stage others.

    Without arguments: what the service recognises with. With arguments: python -m infra.bases, in the
    folder of the service, which is the current one or that of ATTUNE_SERVICE.
    """
    if arguments:
        _operate("infra.bases", arguments)
        return
    found = invocation.service().get(path("models"))
    rows = [
        (one["name"], one["language"], f"{one['rate']} Hz", one["description"]) for one in found["models"]
    ]
    invocation.screen.show(found, table(("name", "language", "least rate", "what"), rows))


def _operate(module: str, arguments: tuple[str, ...]) -> None:
    """Run an operator's command of the service.

    Raises:
        CommandError: the service is not on this machine.
        click.exceptions.Exit: the command has ended, with its status.
    """
    folder = _service_folder()
    if folder is None:
        raise CommandError(
            "The service is not in this folder; bases are staged where it is.",
            f"Go into its folder, or name that with {SERVICE_VARIABLE}; on AWS use `python -m {module}` with "
            "the stack's environment.",
        )
    own = folder / ".venv" / "bin" / "python"
    environment = dict(os.environ)
    if not _DEPLOYED & environment.keys():
        environment.setdefault("ATTUNE_HOME", str(folder / ".attune"))
    python = str(own) if own.exists() else sys.executable
    done = subprocess.run([python, "-m", module, *arguments], cwd=folder, env=environment, check=False)
    raise click.exceptions.Exit(done.returncode)


def _service_folder() -> Path | None:
    named = os.environ.get(SERVICE_VARIABLE)
    for folder in [Path(named)] if named else [Path.cwd(), *Path.cwd().parents]:
        if (folder / "infra" / "bases").exists():
            return folder.absolute()
    return None


COMMANDS = (bases,)
