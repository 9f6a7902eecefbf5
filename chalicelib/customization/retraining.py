"""Event-triggered retraining: whether enough new valid audio has come for a model to train by itself."""

from __future__ import annotations

from chalicelib.customization import audio_resources, limits, statuses
from chalicelib.storage.tables import AcousticModel


def due(model: AcousticModel) -> bool:
    """Tell whether the model should be trained now; the caller then does so with `strict=False`.

    New audio is what was uploaded after the last run began, whatever came of that run.
    """
    if model.retrain_after_minutes is None or statuses.busy(model) or model.status != statuses.Status.READY:
        return False
    valid = [audio for audio in audio_resources.of_model(model) if audio.status == audio_resources.OK]
    total_s = sum(float(audio.duration_s) for audio in valid)
    new_s = sum(
        float(audio.duration_s)
        for audio in valid
        if model.run_started is None or audio.created > model.run_started
    )
    enough = limits.LEAST_TRAINING_S <= total_s <= limits.MOST_TRAINING_S
    return enough and new_s >= 60 * float(model.retrain_after_minutes)
