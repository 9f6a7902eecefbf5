"""Versions of a custom acoustic model: kept by each successful training, chosen, labelled, removed.

Which one is current, and which there are, stands in the model's row: each change is one conditional write.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Sequence

from chalicelib.customization import acoustic_models, statuses
from chalicelib.customization.custom_models import now
from chalicelib.customization.errors import ChangedMeanwhile, CurrentVersion, ModelBusy, UnknownKeptVersion
from chalicelib.storage import failures, layout, objects
from chalicelib.storage.conditional import ConditionFailed, Contended, write
from chalicelib.storage.kept_version import KeptVersion
from chalicelib.storage.tables import AcousticModel

_log = logging.getLogger(__name__)
_ATTEMPTS = 10


def of_model(model: AcousticModel) -> list[KeptVersion]:
    """Return the versions of a model, newest first."""
    return list(reversed(model.kept_versions.values()))


def get(model: AcousticModel, version: int) -> KeptVersion:
    """Return one version.

    Raises:
        UnknownKeptVersion: the model keeps none of that number.
    """
    found = model.kept_versions.get(version)
    if found is None:
        raise UnknownKeptVersion(model.customization_id, version, tuple(model.kept_versions))
    return found


def with_new(model: AcousticModel, made: KeptVersion, most: int) -> list[KeptVersion]:
    """Return the versions of a model whose current run is promoted, oldest first.

    There are at most `most`; the oldest go first, but neither the new one, nor the one that serves until now,
    to which somebody may want to go back, nor the one that will serve requests for the base version before.
    """
    former = dict(model.kept_versions)
    former.pop(made.version, None)
    changes_base = model.promoted_version != made.base_version
    older = model.promoted_run if changes_base else model.older_run
    stay = {older} if most == 1 else {older, model.promoted_run}
    may_go = [number for number in former if number not in stay]
    going = tuple(may_go[: max(0, len(former) + 1 - most)])
    kept = [one for number, one in former.items() if number not in going]
    return [*kept, dataclasses.replace(made, removed=going)]


def choose(owner: str, customization_id: str, version: int) -> AcousticModel:
    """Let a version serve recognition from now on; returns the row. The current one stays as it is.

    Raises:
        MalformedId, UnknownModel: see `acoustic_models.get`.
        UnknownKeptVersion: see `get`.
        ModelBusy: the model is being trained or upgraded.
        ChangedMeanwhile: somebody else chose, trained or removed another one at this moment.
    """
    model = acoustic_models.get(owner, customization_id)
    chosen = get(model, version)
    if model.promoted_run == version:
        return model
    try:
        write(statuses.version_chosen(model, chosen, now()))
    except ConditionFailed:
        present = acoustic_models.get(owner, customization_id)
        get(present, version)
        if not statuses.allowed(present, statuses.VERSION_CHOSEN):
            raise ModelBusy(customization_id) from None
        if present.promoted_run != version:  # else a try whose answer was lost has done it
            raise ChangedMeanwhile(customization_id, int(present.promoted_run or 0)) from None
        return present
    return model


def label(owner: str, customization_id: str, version: int, text: str | None) -> AcousticModel:
    """Call a version by a text; None or empty: it has none any more.

    Raises:
        MalformedId, UnknownModel: see `acoustic_models.get`.
        UnknownKeptVersion: see `get`.
    """

    def labelled(model: AcousticModel) -> list[KeptVersion]:
        get(model, version)
        return [
            dataclasses.replace(one, label=text or None) if one.version == version else one
            for one in model.kept_versions.values()
        ]

    return _changed(owner, customization_id, labelled)


def remove(owner: str, customization_id: str, version: int, in_use: Callable[[str], bool]) -> None:
    """Remove a version that is not current, with its files.

    Args:
        owner: of the model.
        customization_id: of the model.
        version: its number.
        in_use: tells whether somebody at work needs the artefact under a key: then its files go a day later.

    Raises:
        MalformedId, UnknownModel: see `acoustic_models.get`.
        UnknownKeptVersion: see `get`.
        CurrentVersion: it serves recognition.
    """

    tried = False

    def without(model: AcousticModel) -> list[KeptVersion]:
        nonlocal tried
        get(model, version)
        if model.promoted_run == version:
            raise CurrentVersion(customization_id, version)
        tried = True
        return [one for one in model.kept_versions.values() if one.version != version]

    try:
        _changed(owner, customization_id, without)
    except UnknownKeptVersion:
        if not tried:
            raise
        # Gone: a try whose answer was lost did it, or somebody else.
    key = layout.adapted_model_key(owner, customization_id, version)
    try:
        # Asked after the write: whoever has not chosen the version by now cannot choose it any more.
        if not in_use(key):
            objects.delete(key, layout.report_key(owner, customization_id, version))
    except failures.FAILURES:  # they go as orphans
        _log.warning("could not remove the files of version %d", version, exc_info=True)


def _changed(
    owner: str, customization_id: str, change: Callable[[AcousticModel], Sequence[KeptVersion]]
) -> AcousticModel:
    moment = now()
    for _ in range(_ATTEMPTS):
        model = acoustic_models.get(owner, customization_id)
        try:
            write(statuses.versions_changed(model, change(model), moment))
        except ConditionFailed:
            continue  # somebody else has changed them: judged anew
        return model
    raise Contended
