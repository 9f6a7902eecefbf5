"""`python -m infra.deployment deploy | destroy | restore | smoke`; the Makefile has a word for each."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from infra.deployment import installation, removal, restoring, smoke, target
from infra.deployment.installation import Io, WantedInstallation
from infra.deployment.target import DeploymentRefused
from infra.package import ROOT, PackagingFailed


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m infra.deployment", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    deploy = commands.add_parser("deploy", help="deploy the service, or bring it to the newest state")
    destroy = commands.add_parser("destroy", help="take it away; data stay unless they are named")
    trial = commands.add_parser("smoke", help="try it, with the API key in ATTUNE_KEY")
    restore = commands.add_parser("restore", help="bring data back, into a stage that is not deployed yet")
    for command in (deploy, destroy, restore, trial):
        command.add_argument("--stage", default="prod", help="which installation; its name is attune-STAGE")
    for command in (deploy, destroy, restore):
        command.add_argument("--yes", action="store_true", help="do not ask")
    deploy.add_argument(
        "--layer",
        type=Path,
        default=ROOT / "build" / "layer" / "engine-layer.zip",
        help="what `python -m infra.layer` built",
    )
    deploy.add_argument(
        "--architecture", choices=["x86_64", "arm64"], default="x86_64", help="what the layer was built for"
    )
    deploy.add_argument(
        "--parameter",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a parameter of the template (docs/aws.md), kept for later deployments; may be repeated",
    )
    destroy.add_argument(
        "--data", action="append", default=[], metavar="NAME", help="a table or bucket to delete, too"
    )
    restore.add_argument("--into", required=True, metavar="STAGE", help="which stage is to have them")
    restore.add_argument(
        "--at",
        type=_moment,
        metavar="TIME",
        help="as they were then, such as 2026-01-31T12:00:00Z; otherwise as lately as can be",
    )
    return parser


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = datetime.min
    if found.tzinfo is None:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no time with its zone, such as 2026-01-31T12:00:00Z or 2026-01-31T13:00:00+01:00"
        )
    return found.astimezone(UTC).replace(microsecond=0)


def _say(text: str) -> None:
    print(text, flush=True)


def _agreed() -> bool:
    try:
        return input("Go on? [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        return False


def _parameters(given: Sequence[str]) -> dict[str, str]:
    pairs = [one.partition("=") for one in given]
    if wrong := [name for name, equals, _ in pairs if not equals]:
        raise DeploymentRefused(f"A parameter is given as NAME=VALUE, not {wrong[0]!r}.")
    return {name: value for name, _, value in pairs}


def _run(options: argparse.Namespace) -> int:
    found = target.find(options.stage)
    match options.command:
        case "deploy":
            wanted = WantedInstallation(options.layer, options.architecture, _parameters(options.parameter))
            io = Io(_say, (lambda: True) if options.yes else _agreed)
            return 0 if installation.deploy(found, wanted, io) else 1
        case "destroy":
            kept = sorted(set(removal.data(found)) - set(options.data))
            _say(f"This deletes the stack {found.name} and what was deployed with it.")
            _say(
                f"Data that go: {', '.join(options.data) or 'none'}; that stay: {', '.join(kept) or 'none'}."
            )
            if not (options.yes or _agreed()):
                _say("Nothing was changed.")
                return 1
            removal.remove(found, options.data, _say)
            return 0
        case "restore":
            io = Io(_say, (lambda: True) if options.yes else _agreed)
            return 0 if restoring.restore(found, target.find(options.into), options.at, io) else 1
        case _:
            key = os.environ.get("ATTUNE_KEY")
            if not key:
                raise DeploymentRefused("Put an API key of the service into ATTUNE_KEY.")
            smoke.run(installation.url_of(found), key, _say)
            return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        return _run(options)
    except (DeploymentRefused, PackagingFailed) as error:
        print(f"attune: {error}", file=sys.stderr)
    except (ClientError, BotoCoreError) as error:
        print(f"attune: AWS refuses a call: {error}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
