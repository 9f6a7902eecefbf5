"""`attune versions`, `attune rollback`: what earlier trainings made, and the way back to it."""

from __future__ import annotations

from typing import Any

import click

from attune_cli import custom_models
from attune_cli.client import path
from attune_cli.custom_models import ACOUSTIC
from attune_cli.errors import WrongUsage
from attune_cli.invocation import Invocation, invoked
from attune_cli.screen import size, table


@click.command()
@click.argument("model", required=False)
@click.option("--label", nargs=2, metavar="VERSION TEXT", help="Give a version a label.")
@click.option(
    "--delete", "deleted", type=int, metavar="VERSION", help="Remove a version, and free its space."
)
@click.option(
    "--difference", nargs=2, type=int, metavar="FROM TO", help="What two versions' reports differ in."
)
@invoked
def versions(
    invocation: Invocation,
    *,
    model: str | None,
    label: tuple[str, str] | None,
    deleted: int | None,
    difference: tuple[int, int] | None,
) -> None:
    """List the versions of a custom acoustic model, newest first."""
    service = invocation.service()
    customization_id = custom_models.found(service, model)
    if label is not None:
        if not label[0].isdigit():
            raise WrongUsage(
                f"{label[0]!r} is no version.", "--label takes a number and a text: --label 3 'before May'"
            )
        service.call("PUT", _version(customization_id, int(label[0])), document={"label": label[1]})
    if deleted is not None:
        service.call("DELETE", _version(customization_id, deleted))
    if difference is not None:
        first, second = difference
        answer = service.get(f"{_version(customization_id, second)}/difference", **{"from": first})
        invocation.screen.show(answer, "\n".join(_lines(answer)))
        return
    answer = service.get(path(ACOUSTIC, customization_id, "versions"))
    rows = [
        (
            f"{one['version']}{' (serves)' if one.get('current') else ''}",
            str(one.get("created", ""))[:16].replace("T", " "),
            one.get("label", ""),
            one.get("base_model_version", ""),
            size(one["bytes"]) if one.get("bytes") else "",
            one.get("result", ""),
        )
        for one in answer["versions"]
    ]
    invocation.screen.show(answer, table(("version", "trained", "label", "base", "size", "result"), rows))


@click.command()
@click.argument("model")
@click.argument("version", type=int)
@invoked
def rollback(invocation: Invocation, model: str, version: int) -> None:
    """Let an earlier version of a custom acoustic model serve again; a later one, too."""
    service = invocation.service()
    customization_id = custom_models.found(service, model)
    service.call("POST", f"{_version(customization_id, version)}/activate")
    shown = service.get(_version(customization_id, version))
    invocation.screen.show(shown, f"Version {version} serves now. {shown.get('result', '')}".rstrip())


def _version(customization_id: str, version: int) -> str:
    return path(ACOUSTIC, customization_id, "versions", str(version))


def _lines(answer: dict[str, Any], before: str = "") -> list[str]:
    """Return a difference as lines `name: from -> to`, whatever its depth."""
    lines = []
    for name, value in answer.items():
        if isinstance(value, dict) and {"from", "to"} <= value.keys():
            lines.append(f"{before}{name}: {value['from']} -> {value['to']}")
        elif isinstance(value, dict):
            lines += _lines(value, f"{before}{name} ")
        else:
            lines.append(f"{before}{name}: {value}")
    return lines


COMMANDS = (versions, rollback)
