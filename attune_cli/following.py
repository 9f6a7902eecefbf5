"""Waits until the work on a custom model is finished."""

from __future__ import annotations

from typing import Any

from attune_cli import custom_models
from attune_cli.client import Service
from attune_cli.custom_models import ACOUSTIC
from attune_cli.screen import Screen, minutes

RUNNING = frozenset({"training", "upgrading"})
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 5.0


def is_busy(model: dict[str, Any]) -> bool:
    """Tell whether a model is at work: trained, upgraded, or waiting for the look at its audio."""
    return model["status"] in RUNNING or (
        model["status"] == "pending" and "analysis" in str(model.get("stage", ""))
    )


def followed(service: Service, customization_id: str, screen: Screen, kind: str = ACOUSTIC) -> dict[str, Any]:
    """Show what a model does until it is at rest; returns it as it is then."""
    pause_s = _FIRST_PAUSE_S
    model = custom_models.shown(service, customization_id, kind)
    if not is_busy(model):
        return model
    with screen.bar("", 100.0) as bar:
        while is_busy(model):
            left = f", about {minutes(model['seconds_left'])} left" if model.get("seconds_left") else ""
            bar.at(float(model.get("progress", 0)), said(model), left)
            service.pause(pause_s)
            pause_s = min(_LONGEST_PAUSE_S, 1.3 * pause_s)
            model = custom_models.shown(service, customization_id, kind)
    return model


def said(model: dict[str, Any]) -> str:
    """Return what a model does in words."""
    stage = f": {model['stage']}" if model.get("stage") else ""
    return f"{model['name']!r} is {model['status']}{stage}"
