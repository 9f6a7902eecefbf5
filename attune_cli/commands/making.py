"""`attune models`, `create`, `delete`: what models there are."""

from __future__ import annotations

from typing import Any

import click

from attune_cli import custom_models
from attune_cli.client import path
from attune_cli.custom_models import ACOUSTIC, LANGUAGE
from attune_cli.errors import Busy, WrongUsage
from attune_cli.invocation import Invocation, invoked
from attune_cli.screen import table


@click.command()
@click.option("--base", is_flag=True, help="Only the base models.")
@click.option("--custom", is_flag=True, help="Only your custom models.")
@invoked
def models(invocation: Invocation, base: bool, custom: bool) -> None:
    """List base models, and your custom models with what they are doing."""
    service = invocation.service()
    found: dict[str, Any] = {}
    if not custom or base:
        found["models"] = service.get(path("models"))["models"]
    if not base or custom:
        found[ACOUSTIC] = custom_models.listed(service)
        found[LANGUAGE] = custom_models.listed(service, LANGUAGE)
    rows = [
        ("base", one["name"], f"{one['rate']} Hz", one["language"], one["name"])
        for one in found.get("models", ())
    ]
    rows += [
        (kind, one["name"], _doing(one), one["base_model_name"], one["customization_id"])
        for kind, key in (("acoustic", ACOUSTIC), ("language", LANGUAGE))
        for one in found.get(key, ())
    ]
    invocation.screen.show(found, table(("kind", "name", "status", "base", "id"), rows))


@click.command()
@click.argument("name")
@click.option(
    "--base", default="en-US_BroadbandModel", show_default=True, help="The base model that it is made on."
)
@click.option("--base-version", help="A version of the base model; the newest one unless given.")
@click.option("--description", default="", help="What it is for.")
@click.option("--retrain-after", metavar="MINUTES", type=int, help="Train by itself after so much new audio.")
@click.option("--language-model", is_flag=True, help="A custom language model in place of an acoustic one.")
@invoked
def create(
    invocation: Invocation,
    *,
    name: str,
    base: str,
    base_version: str | None,
    description: str,
    retrain_after: int | None,
    language_model: bool,
) -> None:
    """Make an empty custom model, and print its id."""
    wanted = {
        "name": name,
        "base_model_name": base,
        "base_model_version": base_version,
        "description": description,
        "retrain_after_minutes": retrain_after,
    }
    kind = LANGUAGE if language_model else ACOUSTIC
    answer = custom_models.created(
        invocation.service(), {field: value for field, value in wanted.items() if value}, kind
    )
    if answer.get("warnings"):
        invocation.screen.warn(str(answer["warnings"]))
    invocation.screen.show(answer, answer["customization_id"])


@click.command()
@click.argument("model")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--language-model", is_flag=True, help="A custom language model.")
@invoked
def delete(invocation: Invocation, model: str, yes: bool, language_model: bool) -> None:
    """Remove a custom model with its audio and everything that it has learned."""
    service = invocation.service()
    kind = LANGUAGE if language_model else ACOUSTIC
    customization_id = custom_models.found(service, model, kind)
    shown = custom_models.shown(service, customization_id, kind)
    if not yes:
        if invocation.screen.as_json:
            raise WrongUsage("Nothing is asked with --json.", "Say --yes to delete.")
        click.confirm(
            f"Delete {shown['name']!r} with all of its audio and what it has learned? It cannot be had back.",
            abort=True,
            err=True,
        )
    try:
        service.call("DELETE", path(kind, customization_id))
    except Busy as busy:
        busy.way_out = "It is at work. Wait until it is done: attune status --watch"
        raise
    invocation.screen.show(
        {"customization_id": customization_id, "deleted": True}, f"{shown['name']!r} is deleted."
    )


def _doing(model: dict[str, Any]) -> str:
    status = str(model["status"])
    return f"{status} {model['progress']} %" if status in ("training", "upgrading") else status


COMMANDS = (models, create, delete)
