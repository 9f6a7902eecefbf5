"""Event-triggered retraining: whether enough new valid audio has come, and whether no more is coming."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from chalicelib.customization import limits, statuses
from chalicelib.customization.acoustic import audio_resources
from chalicelib.storage.conditional import Condition, ConditionFailed, Update, write
from chalicelib.storage.tables import AcousticModel


def due(model: AcousticModel, quiet: timedelta = timedelta(0)) -> datetime | None:
    """Return the moment from which the model may be trained, with `strict=False`; None: it does not want to.

    New audio is what was uploaded after the last run began, whatever came of that run.

    Args:
        model: its row.
        quiet: for so long no audio must have been added; each upload begins the wait anew.
    """
    if (
        model.retrain_after_minutes is None
        or statuses.busy(model)
        or model.status != statuses.ModelStatus.READY
    ):
        return None
    resources = audio_resources.of_model(model)
    valid = [audio for audio in resources if audio.status == audio_resources.OK]
    total_s = sum(float(audio.duration_s) for audio in valid)
    new_s = sum(
        float(audio.duration_s)
        for audio in valid
        if model.run_started is None or audio.created > model.run_started
    )
    enough = limits.LEAST_TRAINING_S <= total_s <= limits.MOST_TRAINING_S
    if not enough or new_s < 60 * float(model.retrain_after_minutes):
        return None
    return max(audio.created for audio in resources) + quiet


def look_again(
    model: AcousticModel, at: datetime, moment: datetime, *, longest_s: int, last_look: int | None = None
) -> tuple[int, int] | None:
    """Become the one who has somebody look again; None: somebody else does.

    So there is one message under way for a model however many uploads come: the one that arrives too early
    is sent again for the moment that is right by then.

    Args:
        model: its row.
        at: when it may be trained, as things are now.
        moment: the present one.
        longest_s: for so long a message can be held back.
        last_look: what the message said that has brought the caller here; None: it is none of these messages.

    Returns:
        For how many seconds the message is to be held back, and what it is to say.
    """
    seen = None if model.retrain_look is None else int(model.retrain_look)
    if seen is not None and seen != last_look and seen > moment.timestamp():
        return None
    delay_s = min(max(1, math.ceil((at - moment).total_seconds())), longest_s)
    look = int(moment.timestamp()) + delay_s
    there: Condition = AcousticModel.customization_id.exists()
    unchanged: Condition = (
        AcousticModel.retrain_look.does_not_exist() if seen is None else AcousticModel.retrain_look == seen
    )
    try:
        write(Update(model, there & unchanged, [AcousticModel.retrain_look.set(look)]))
    except ConditionFailed:
        return None
    return delay_s, look
