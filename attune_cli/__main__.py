"""`attune`: runs a command, and ends with a status that says how it went."""

from __future__ import annotations

import sys

import click

from attune_cli import VERSION
from attune_cli.client import CommandStopped
from attune_cli.commands import (
    adding,
    completion,
    evaluation,
    importing,
    keys,
    listening,
    making,
    operating,
    signing_in,
    training,
    transcribing,
    versions,
)
from attune_cli.errors import CommandError, ExitStatus
from attune_cli.screen import Screen


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(VERSION, prog_name="attune")
def attune() -> None:
    """Speech recognition that learns your acoustics, from the command line.

    Speaks to any Watson-compatible service. `attune login` says to which one; ATTUNE_URL and
    ATTUNE_API_KEY go first.
    """


for _module in (
    signing_in,
    making,
    adding,
    training,
    transcribing,
    listening,
    evaluation,
    versions,
    keys,
    operating,
    importing,
    completion,
):
    for _command in _module.COMMANDS:
        attune.add_command(_command)


def main() -> int:
    """Run the command line; returns the exit status."""
    screen = Screen(as_json="--json" in sys.argv)
    try:
        status = attune.main(prog_name="attune", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return ExitStatus.USAGE
    except (click.Abort, KeyboardInterrupt, CommandStopped):
        screen.note("attune: stopped. The same command goes on from here.")
        return ExitStatus.INTERRUPTED
    except CommandError as error:
        screen.fail(error)
        return error.exit_status
    except BrokenPipeError:
        sys.stderr.close()  # whoever read the output has seen enough
        return ExitStatus.DONE
    return status if isinstance(status, int) else ExitStatus.DONE


def run() -> None:
    """Run the command line and end the process; what the installed `attune` calls."""
    sys.exit(main())


if __name__ == "__main__":
    run()
