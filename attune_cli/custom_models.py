"""Custom models as people name them: by id, by name, or, where there is one only, not at all."""

from __future__ import annotations

import re
import time
from typing import Any

from attune_cli.client import Service, Uncertain, path
from attune_cli.errors import NothingFound, WrongUsage

ACOUSTIC = "acoustic_customizations"
LANGUAGE = "customizations"
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_FEW = 8
_PAUSE_S = 0.5


def listed(service: Service, kind: str = ACOUSTIC) -> list[dict[str, Any]]:
    """Return the custom models of a kind."""
    models: list[dict[str, Any]] = service.get(path(kind))["customizations"]
    return models


def is_id(text: str) -> bool:
    """Tell whether this is a customization id."""
    return _GUID.fullmatch(text.lower()) is not None


def found(service: Service, named: str | None, kind: str = ACOUSTIC) -> str:
    """Return the id of the model that is meant.

    Raises:
        NothingFound: there is none of that name.
        WrongUsage: there are several.
    """
    if named is not None and is_id(named):
        return named.lower()
    models = listed(service, kind)
    fitting = [one for one in models if named is None or one["name"] == named]
    if not fitting and named is not None:
        fitting = [one for one in models if one["name"].casefold() == named.casefold()]
    what = "custom acoustic model" if kind == ACOUSTIC else "custom language model"
    if len(fitting) == 1:
        return str(fitting[0]["customization_id"])
    if not fitting:
        missing = f"No {what} is called {named!r}." if named is not None else f"There is no {what} yet."
        raise NothingFound(missing, _there_are(models) or "Make one: attune create NAME")
    several = f"{len(fitting)} {what}s" + (f" are called {named!r}." if named is not None else " are there.")
    raise WrongUsage(several, "Say which one. " + _there_are(fitting))


def named(service: Service, name: str) -> tuple[str, dict[str, Any]] | None:
    """Return kind and object of the custom model with this id or name, an acoustic one first; else None."""
    for kind in (ACOUSTIC, LANGUAGE):
        fitting = [one for one in listed(service, kind) if name in (one["name"], one["customization_id"])]
        if len(fitting) > 1:
            raise WrongUsage(
                f"{len(fitting)} models are called {name!r}.", "Say which one. " + _there_are(fitting)
            )
        if fitting:
            return kind, fitting[0]
    return None


def created(service: Service, fields: dict[str, Any], kind: str = ACOUSTIC) -> dict[str, Any]:
    """Make a custom model, and one only, though answers get lost; returns what the service says."""
    before = {one["customization_id"] for one in listed(service, kind)}
    deadline_s = time.monotonic() + service.patience_s
    while True:
        try:
            return dict(service.call("POST", path(kind), document=fields, once=True).document)
        except Uncertain:
            if time.monotonic() > deadline_s:
                raise
            service.pause(_PAUSE_S)
            for one in listed(service, kind):
                if one["customization_id"] not in before and one["name"] == fields["name"]:
                    return {"customization_id": one["customization_id"]}


def shown(service: Service, customization_id: str, kind: str = ACOUSTIC) -> dict[str, Any]:
    """Return a custom model."""
    model: dict[str, Any] = service.get(path(kind, customization_id))
    return model


def audio_of(service: Service, customization_id: str) -> list[dict[str, Any]]:
    """Return the audio resources of a model, archives as one."""
    audio: list[dict[str, Any]] = service.get(path(ACOUSTIC, customization_id, "audio"))["audio"]
    return audio


def _there_are(models: list[dict[str, Any]]) -> str:
    if not models:
        return ""
    few = ", ".join(f"{one['name']!r} ({one['customization_id']})" for one in models[:_FEW])
    return f"There {'is' if len(models) == 1 else 'are'} {few}{' …' if len(models) > _FEW else ''}"
