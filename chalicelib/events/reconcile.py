"""The reconciler, called every few minutes: replaces lost events, frees what is stuck, removes leftovers."""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime
from typing import Any

from chalicelib import settings
from chalicelib.customization import statuses, turns
from chalicelib.customization.acoustic import audio_resources
from chalicelib.customization.acoustic.audio_resources import AudioAnalysis
from chalicelib.customization.language import language_resources
from chalicelib.events.delivery import telemetry
from chalicelib.events.reconciling import (
    given_up,
    lost_uploads,
    open_evaluations,
    open_jobs,
    orphans,
    overdue,
    untold_ends,
)
from chalicelib.events.reconciling.happened import Happened
from chalicelib.storage import rounds
from chalicelib.storage.layout import UploadKey
from chalicelib.storage.rows import CustomModel
from chalicelib.storage.tables import AcousticModel, LanguageModel
from chalicelib.training import ends, language_model, launch
from chalicelib.training.recover import recover
from chalicelib.user_data import erasures

NEVER_ARRIVED = "The audio did not arrive completely. Upload it again."
TEXT_NEVER_ARRIVED = "It did not arrive completely."
WORDS_NEVER_ARRIVED = "The words that were added last did not arrive completely. Add them again."
_EVERY_S = 300.0
"""As the application schedules it."""
_MAX_WORK_S = 150.0


def handle(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Look after every model that waits for something. Safe beside live events, and to be repeated.

    An event with `{"detail": {"messages_lost": true}}` says that whatever lay in the queues, or was held back
    there, is gone: all that waits for a message is announced anew, though it may be at work as well. One with
    `{"detail": {"restarted": true}}` says that beside that nothing that was at work is any longer, so that
    there is nothing to wait for.
    """
    happened = Happened.read(event)
    deadline_s = time.monotonic() + _MAX_WORK_S
    waiting: list[AcousticModel | LanguageModel] = [
        *rounds.this_round(
            AcousticModel, _waits_for_something() | AcousticModel.retrain_after_minutes.exists(), _EVERY_S
        ),
        *rounds.this_round(LanguageModel, _waits_for_something(), _EVERY_S),
    ]
    random.shuffle(waiting)  # whoever is left for the next time, is so by chance
    looked_after = failed = 0
    for model in waiting:
        if time.monotonic() > deadline_s:
            telemetry.logger.warning(
                "more models wait than can be looked after", extra={"models": len(waiting)}
            )
            break
        try:
            _look_after(model, happened)
        except Exception:  # noqa: BLE001  the trouble with one model must not keep the others waiting
            telemetry.logger.exception("model", extra={"customization_id": model.customization_id})
            failed += 1
        looked_after += 1
    jobs, jobs_failed = open_jobs.look_after(deadline_s, _EVERY_S, messages_lost=happened.messages_lost)
    measured, measured_failed = open_evaluations.look_after(
        deadline_s, _EVERY_S, messages_lost=happened.messages_lost
    )
    ends_told, ends_failed = _trainings(happened)
    erasures_left = erasures.carry_on(deadline_s)
    now = datetime.now(UTC)
    removed = orphans.clear_away(now, None if happened.restarted else orphans.turn(now, _EVERY_S))
    telemetry.count("MessagesGivenUp", given_up.look())
    telemetry.count("TrainingsWithoutMachine", sum(map(_waits_for_machine, waiting)))
    telemetry.count("ModelsLookedAfter", looked_after)
    telemetry.count("ModelsNotLookedAfter", len(waiting) - looked_after + failed)
    telemetry.count("JobsLookedAfter", jobs)
    telemetry.count("EvaluationsLookedAfter", measured)
    telemetry.count("TrainingEndsAnnouncedAgain", ends_told)
    telemetry.count("ErasuresLeft", erasures_left)
    telemetry.count("OrphansRemoved", removed)
    telemetry.flush()
    return {
        "looked_after": looked_after,
        "jobs": jobs,
        "failed": failed + jobs_failed + measured_failed + ends_failed,
        "orphans": removed,
    }


def _trainings(happened: Happened) -> tuple[int, int]:
    """See to the line of trainings, and to those who are to know of an end; how many, and how many failed."""
    try:
        turns.tidy()
        launch.serve_line()
        return untold_ends.look_after(_EVERY_S, messages_lost=happened.messages_lost), 0
    except Exception:  # noqa: BLE001  what follows must not wait for it
        telemetry.logger.exception("the line of trainings")
        return 0, 1


def _waits_for_something() -> Any:
    return CustomModel.status.is_in(*statuses.RUNNING) | CustomModel.analysing.exists()


def _waits_for_machine(model: AcousticModel | LanguageModel) -> bool:
    return model.status in statuses.RUNNING and (model.stage or "").startswith(launch.WAITING)


def _look_after(model: AcousticModel | LanguageModel, happened: Happened) -> None:
    if isinstance(model, LanguageModel):
        _look_after_language_model(model, happened)
    elif model.status in statuses.RUNNING:
        recover(model, datetime.now(UTC), restarted=happened.messages_lost)
    elif model.analysing:
        queue = settings.current().audio_queue
        lost_uploads.look_after(audio_resources.KIND, model, queue, _audio_given_up, happened)
    else:
        # What was to have somebody look again is lost with the other messages: this call takes its place.
        looked = model.retrain_look if happened.messages_lost else None
        launch.train_when_due(
            model.owner, model.customization_id, last_look=None if looked is None else int(looked)
        )


def _look_after_language_model(model: LanguageModel, happened: Happened) -> None:
    if model.status in statuses.RUNNING:
        if model.run_started is not None:
            overdue.note("language training", datetime.now(UTC) - model.run_started)
        language_model.recover(
            model,
            datetime.now(UTC),
            restarted=happened.restarted,
            messages_lost=happened.messages_lost,
        )
    elif model.analysing:
        queue = settings.current().corpus_queue
        lost_uploads.look_after(language_resources.KIND, model, queue, _text_given_up, happened)


def _audio_given_up(key: UploadKey) -> None:
    analysis = AudioAnalysis(valid=False, details_type="undetermined", error=NEVER_ARRIVED)
    audio_resources.analysis_finished(
        key.owner, key.customization_id, key.resource_id, key.upload_id, analysis
    )
    ends.validated(key.owner, key.customization_id, key.upload_id)


def _text_given_up(key: UploadKey) -> None:
    if key.resource_id == language_resources.WORDS:
        language_resources.words_finished(key, WORDS_NEVER_ARRIVED)
    else:
        analysis = language_resources.TextAnalysis(error=TEXT_NEVER_ARRIVED)
        language_resources.analysis_finished(key, analysis)
