"""What a custom model of either kind looks like to a client."""

from __future__ import annotations

import math
from typing import Any

from chalicelib.customization.statuses import RUNNING, ModelStatus
from chalicelib.storage.rows import CustomModel
from chalicelib.storage.tables import watson_time

LONGEST_NAME = 1024
LONGEST_DESCRIPTION = 8192
_NOTHING_YET = {
    "acoustic": "waiting for valid audio",
    "language": "waiting for a corpus, a grammar or words",
}


def shown(model: CustomModel, warning: str | None) -> dict[str, Any]:
    """Return Watson's object, with our `stage`, and `seconds_left` while a run goes on.

    Args:
        model: the row.
        warning: about unknown query parameters; None: there are none.
    """
    running = model.status in RUNNING
    answer: dict[str, Any] = {
        "owner": model.owner,
        "base_model_name": model.base_model_name,
        "customization_id": model.customization_id,
        "versions": list(model.versions),
        "created": watson_time(model.created),
        "name": model.name,
        "description": model.description or "",
        "progress": _progress(model),
        "language": model.language,
        "updated": watson_time(model.updated),
        "status": str(model.status),
    }
    if running:
        answer["stage"] = model.stage or "waiting for a machine"
        if model.seconds_left is not None:
            answer["seconds_left"] = math.ceil(model.seconds_left)
    elif model.status == ModelStatus.PENDING:
        answer["stage"] = _awaited(model)
    if not running and model.error:
        answer["error"] = model.error
    if warning is not None:
        answer["warnings"] = warning
    return answer


def _awaited(model: CustomModel) -> str:
    """Return what a model waits for before it can be trained, in words."""
    if uploads := len(model.analysing or ()):
        return f"waiting for the analysis of {uploads} upload{'s' if uploads > 1 else ''}"
    return _NOTHING_YET[model.kind]


def _progress(model: CustomModel) -> int:
    if model.status == ModelStatus.AVAILABLE:
        return 100
    return int(model.progress) if model.status in RUNNING else 0


def excluded(kind: str, resources: str, code: str, names: tuple[str, ...]) -> dict[str, str]:
    """Return the warning of a training about invalid resources; `kind`: acoustic | language."""
    return {
        "code": code,
        "message": (
            f"Analysis of the following {resources} has not completed successfully: "
            f"[{', '.join(names)}]. They will be excluded from custom {kind} model training."
        ),
    }
