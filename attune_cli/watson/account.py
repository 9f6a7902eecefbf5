"""What an account has: models, and the names of all that they are made of."""

from __future__ import annotations

from typing import Any

from attune_cli.client import Service, path
from attune_cli.custom_models import ACOUSTIC, LANGUAGE, listed
from attune_cli.errors import NothingFound

PARTS = {LANGUAGE: ("corpora", "grammars", "words"), ACOUSTIC: ("audio",)}


def parts(service: Service, kind: str, customization_id: str, part: str) -> list[dict[str, Any]]:
    """Return corpora, grammars, words or audio resources of a model; none where there is no such thing."""
    query = {"word_type": "all"} if part == "words" else {}
    try:
        found: list[dict[str, Any]] = service.get(path(kind, customization_id, part), **query)[part]
    except NothingFound:
        return []  # some services have no grammars
    return found


def contents(service: Service) -> list[dict[str, Any]]:
    """Return all custom models of an account, each with the names of its parts."""
    found = []
    for kind, named in PARTS.items():
        for model in listed(service, kind):
            one: dict[str, Any] = {
                "kind": "language" if kind == LANGUAGE else "acoustic",
                **{
                    name: model.get(name)
                    for name in ("customization_id", "name", "base_model_name", "status")
                },
            }
            for part in named:
                key = "word" if part == "words" else "name"
                one[part] = [each[key] for each in parts(service, kind, model["customization_id"], part)]
            found.append(one)
    return found


def told(models: list[dict[str, Any]]) -> str:
    """Return the contents of an account as text."""
    lines = []
    for model in models:
        lines.append(f"{model['name']} ({model['kind']}, {model['base_model_name']}, {model['status']})")
        for part in ("corpora", "grammars", "audio"):
            if model.get(part):
                lines.append(f"  {part}: {', '.join(model[part])}")
        if model.get("words"):
            lines.append(f"  {len(model['words'])} words")
    return "\n".join(lines) or "The account has no custom models."
