"""`attune completion`: has a shell complete commands and options."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print what a shell has to read, so that it completes.

    For bash: attune completion bash > ~/.local/share/bash-completion/completions/attune
    """
    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"{shell} is not known.")
    click.echo(kind(context.find_root().command, {}, "attune", "_ATTUNE_COMPLETE").source())


COMMANDS = (completion,)
