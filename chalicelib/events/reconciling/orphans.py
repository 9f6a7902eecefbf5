"""Objects that nobody needs any more: replaced uploads, runs that are over, models deleted half-way."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime, timedelta

from chalicelib.customization import acoustic_models, custom_models, language_models, statuses
from chalicelib.customization.acoustic import audio_resources
from chalicelib.customization.language import language_resources
from chalicelib.evaluation import evaluations, test_sets
from chalicelib.jobs import recognition_jobs
from chalicelib.storage import layout, objects
from chalicelib.storage.objects import Listed
from chalicelib.storage.rows import UploadedResource
from chalicelib.storage.tables import AcousticModel, LanguageModel

_OF_ROWS: dict[str, Callable[[str, str], object | None]] = {
    layout.JOBS_PREFIX: recognition_jobs.row,
    layout.TEST_SETS_PREFIX: test_sets.find,
    layout.EVALUATIONS_PREFIX: evaluations.find,
}
"""Below them `{owner}/{id}/` follows, of a row that this finds; without it, what lies there goes."""
_PREFIXES = (*layout.MODELS_OWN_PREFIXES, *_OF_ROWS)
_LOOKED_AT = 1000
"""Objects below each prefix and time: as many as one listing gives."""
EVERY_S = 1800.0
"""So long after one prefix the next one has its turn."""
_YOUNG = timedelta(hours=1)
"""What is younger may still be needed by somebody at work."""
_SERVED = timedelta(days=1)
"""For so long a recognition job may still be about to use a model that another one has replaced."""


def turn(now: datetime, every_s: float) -> tuple[str, ...]:
    """Return the prefix whose turn it is, or none: a listing costs as much as twelve reads, nothing hurries.

    Args:
        now: the present moment.
        every_s: how often somebody asks; the clock says whose turn it is, so nothing has to be remembered.
    """
    since_s = now.timestamp()
    if since_s % EVERY_S >= every_s:
        return ()
    return (_PREFIXES[int(since_s // EVERY_S) % len(_PREFIXES)],)


def clear_away(now: datetime, prefixes: Collection[str] | None = None) -> int:
    """Look at some objects, others each time; remove what nobody needs, and return how many that was.

    Args:
        now: the present moment.
        prefixes: below which to look; None: everywhere.
    """
    prefixes = _PREFIXES if prefixes is None else prefixes
    # Owners are random GUIDs, so that any GUID is a fair place to begin at.
    begin = str(uuid.uuid4())
    found: dict[tuple[str, str], list[Listed]] = {}
    for prefix in prefixes:
        if prefix in _OF_ROWS:
            continue
        for listed in _some_below(prefix, begin):
            parts = listed.key.split("/")
            if now - listed.modified > _YOUNG and len(parts) > 3:
                found.setdefault((parts[1], parts[2]), []).append(listed)
    removed = 0
    for (owner, customization_id), old in found.items():
        model: AcousticModel | LanguageModel | None = acoustic_models.find(owner, customization_id)
        model = model or language_models.find(owner, customization_id)
        if model is None:
            custom_models.clear_away(owner, customization_id)
            removed += len(old)
            continue
        unwanted = list(_unwanted(model, old, now))
        objects.delete(*unwanted)
        removed += len(unwanted)
    return removed + sum(_without_row(prefix, begin, now) for prefix in _OF_ROWS if prefix in prefixes)


def _without_row(prefix: str, begin: str, now: datetime) -> int:
    """Remove objects whose rows are gone: expired in the table, or deleted half-way."""
    found: dict[tuple[str, str], int] = {}
    for listed in _some_below(prefix, begin):
        if now - listed.modified > _YOUNG:
            _, owner, row_id, *_ = listed.key.split("/")
            found[owner, row_id] = found.get((owner, row_id), 0) + 1
    removed = 0
    for (owner, row_id), number in found.items():
        if _OF_ROWS[prefix](owner, row_id) is None:
            objects.delete_below(f"{prefix}{owner}/{row_id}/")
            removed += number
    return removed


def _some_below(prefix: str, begin: str) -> list[Listed]:
    behind = objects.listing(prefix, after=prefix + begin, at_most=_LOOKED_AT)
    if len(behind) == _LOOKED_AT:
        return behind
    before = objects.listing(prefix, after=prefix, at_most=_LOOKED_AT - len(behind))
    return behind + [listed for listed in before if listed.key <= prefix + begin]


def _unwanted(model: AcousticModel | LanguageModel, old: Iterable[Listed], now: datetime) -> Iterable[str]:
    # While something is analysed, a replaced upload may yet be needed: its replacement can be withdrawn.
    uploads = None
    if not model.analysing:
        uploads = {resource.upload_id for resource in _resources(model)}
    for listed in old:
        prefix, _, _, part, *rest = listed.key.split("/")
        if f"{prefix}/" in {layout.AUDIO_PREFIX, layout.LANGUAGE_PREFIX, layout.LISTINGS_PREFIX}:
            unwanted = uploads is not None and rest[0].removesuffix(".json") not in uploads
        elif f"{prefix}/" == layout.TRAINING_PREFIX:
            unwanted = int(part) < model.run or model.status not in statuses.RUNNING
        else:
            unwanted = _superseded(model, int(part), rest[0], now)
        if unwanted:
            yield listed.key


def _resources(model: AcousticModel | LanguageModel) -> Sequence[UploadedResource]:
    if isinstance(model, AcousticModel):
        return audio_resources.of_model(model)
    return language_resources.of_model(model)


def _superseded(model: AcousticModel | LanguageModel, run: int, name: str, now: datetime) -> bool:
    """Tell whether a run's model or report is of no use; recognition may go on with it for a while."""
    if run in (model.promoted_run, model.older_run) or (
        run == model.run and model.status in statuses.RUNNING
    ):
        return False
    since = [model.promoted_at]
    if isinstance(model, AcousticModel):
        if run in model.kept_versions or (run == model.reported_run and name == "report.json"):
            return False
        since.append(model.removed_at)
    return all(moment is None or now - moment > _SERVED for moment in since)
