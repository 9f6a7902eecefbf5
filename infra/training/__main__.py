"""`python -m infra.training run | watch | list | cost | retry`: an operator's commands for training jobs."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.customization.errors import CustomizationError
from chalicelib.settings import SettingsError
from infra.training import cost, fit, listing, retry, watch
from infra.training.fit import InputUnusable
from infra.training.jobs import NoSuchJob
from infra.training.retry import NothingToRetry
from infra.training.sdk import SdkMissing

_COMMANDS = {"run": fit, "watch": watch, "list": listing, "cost": cost, "retry": retry}
_OF_THE_OPERATOR = (SdkMissing, NoSuchJob, NothingToRetry, InputUnusable, SettingsError)


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command says; return the exit status, 2 for what the operator has to put right."""
    parser = argparse.ArgumentParser(prog="python -m infra.training", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, module in _COMMANDS.items():
        says = (module.__doc__ or "").splitlines()[0].partition(": ")[2]
        module.add_arguments(commands.add_parser(name, help=says, description=says))
    chosen = parser.parse_args(arguments)
    try:
        return int(_COMMANDS[chosen.command].run(chosen))
    except _OF_THE_OPERATOR as error:
        reason = str(error)
    except CustomizationError as error:
        reason = f"The model cannot be trained now: {(error.__doc__ or '').splitlines()[0]} ({error!r})"
    except (BotoCoreError, ClientError) as error:
        reason = f"AWS does not do that: {error}"
    print(reason, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
