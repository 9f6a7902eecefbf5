"""Who may train or upgrade a custom language model, and who does its current run."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from chalicelib.customization import custom_models, language_models, limits, runs, statuses
from chalicelib.customization.custom_models import now
from chalicelib.customization.errors import ModelBusy, NothingModified, TrainingRefused
from chalicelib.customization.language import custom_words, language_resources, language_words
from chalicelib.customization.language.language_resources import ANALYZED, CORPUS, GRAMMAR, UNDETERMINED
from chalicelib.storage.conditional import Action, ConditionFailed, Contended, write
from chalicelib.storage.tables import LanguageModel, LanguageResource

_ATTEMPTS = 10
_ALIVE = timedelta(seconds=20)
"""A run whose doer has given no sign of life for so long may be taken up by another one. Shorter than the
time after which the message of a killed function comes back, so that this message is not in vain."""

WordType = Literal["all", "user"]


@dataclass(frozen=True)
class LanguageClaim:
    """A model that is now in a run: announce it, or call `runs.failed`."""

    model: LanguageModel
    """Fresh row."""
    corpora: tuple[str, ...] = ()
    """Names of those that are left out; so it is below."""
    grammars: tuple[str, ...] = ()
    words: tuple[str, ...] = ()


def begin_training(
    owner: str,
    customization_id: str,
    *,
    word_type: WordType = "all",
    weight: float | None = None,
    strict: bool = True,
) -> LanguageClaim:
    """Claim the model for a training on all its valid data. Of simultaneous calls exactly one succeeds.

    Args:
        owner: of the model.
        customization_id: of the model.
        word_type: whose words are added: all, or those that the user has added or changed.
        weight: share of the custom model in recognition, 0…1; None: the default.
        strict: refuse while there are invalid resources, instead of leaving them out.

    Raises:
        MalformedId, UnknownModel: see `custom_models.get`.
        ModelBusy: the model handles another request.
        TrainingRefused: there is no data or (while `strict`) invalid data; the model is now failed.
        NotServed: this installation does without the engine of its base version; it stays as it is.
        NothingModified: the model has been trained in exactly this way already; it stays as it is.
    """
    for _ in range(_ATTEMPTS):
        model = language_models.get(owner, customization_id)
        if statuses.busy(model):
            raise ModelBusy(customization_id)
        custom_models.check_loadable(model)
        resources = language_resources.of_model(model)
        given = language_words.of_user(model)
        there = {word: row for word, row in given.items() if not row.deleted}
        bad_words = tuple(word for word, row in there.items() if row.error)
        claim = LanguageClaim(model, _invalid(resources, CORPUS), _invalid(resources, GRAMMAR), bad_words)
        any_valid = any(row.status == ANALYZED for row in resources) or len(bad_words) < len(there)
        reason = _obstacle(claim, any_valid=any_valid, strict=strict)
        if reason is None and len(custom_words.of_model(model, given=given)) > limits.CUSTOM_WORDS:
            reason = (
                f"A custom language model can have at most {limits.CUSTOM_WORDS} out-of-vocabulary words."
            )
        same = (model.trained_words, model.customization_weight) == (word_type, weight)
        if reason is None and same and runs.trained_already(model):
            raise NothingModified
        try:
            if reason is not None:
                write(statuses.training_refused(model, reason, now()))
                raise TrainingRefused(reason)
            write(statuses.training_begun(model, now(), _begun(word_type, weight)))
        except ConditionFailed:
            continue
        return claim
    raise Contended


def _invalid(resources: list[LanguageResource], kind: str) -> tuple[str, ...]:
    return tuple(row.name for row in resources if row.kind == kind and row.status == UNDETERMINED)


def _obstacle(claim: LanguageClaim, *, any_valid: bool, strict: bool) -> str | None:
    kinds = {"corpora": claim.corpora, "grammars": claim.grammars, "words": claim.words}
    invalid = {kind: names for kind, names in kinds.items() if names}
    if invalid and strict:
        listed = "; ".join(f"{kind}: {runs.some_of(names)}" for kind, names in invalid.items())
        return (
            f"Analysis of the following {listed} has not completed successfully. "
            "Delete or correct what is named, or set the parameter 'strict' to 'false' to train without it."
        )
    return None if any_valid else "No input data available for training"


def _begun(word_type: str, weight: float | None) -> list[Action]:
    return [
        LanguageModel.run_words.set(word_type),
        LanguageModel.run_weight.remove() if weight is None else LanguageModel.run_weight.set(weight),
        LanguageModel.run_attempts.set(0),
        LanguageModel.run_alive.remove(),
    ]


def begin_upgrade(owner: str, customization_id: str) -> LanguageClaim | None:
    """Take the model to the newest version of its base: claimed for a run, or done (None) if never trained.

    Raises:
        MalformedId, UnknownModel: see `custom_models.get`.
        ModelBusy: the model handles another request.
        UpgradeRefused: the model is up-to-date, has no data, or is in a state without an upgrade.
        NotServed: see `runs.upgradable`.
    """
    for _ in range(_ATTEMPTS):
        model = language_models.get(owner, customization_id)
        if statuses.busy(model):
            raise ModelBusy(customization_id)
        any_data = bool(language_resources.of_model(model)) or language_words.any_valid(model)
        newest = runs.upgradable(model, "language", None if any_data else "corpora, grammars or words")
        weight = model.customization_weight
        try:
            if not model.promoted_run:
                write(statuses.upgraded_at_once(model, newest, now()))
                return None
            write(statuses.upgrade_begun(model, newest, now(), _begun(model.trained_words or "all", weight)))
        except ConditionFailed:
            continue
        return LanguageClaim(model)
    raise Contended


def take_up(owner: str, customization_id: str, run: int) -> LanguageModel | None:
    """Become the one who does a run; None: it is over, or somebody is at it."""
    model = runs.current(LanguageModel, owner, customization_id, run)
    moment = now()
    if model is None or (model.run_alive is not None and moment - model.run_alive < _ALIVE):
        return None
    before = LanguageModel.run_attempts == int(model.run_attempts)
    actions = [LanguageModel.run_attempts.add(1), LanguageModel.run_alive.set(moment)]
    return model if runs.attempt(statuses.noted(model, run, actions, before)) else None


def alive(
    owner: str,
    customization_id: str,
    run: int,
    *,
    progress: float,
    stage: str,
    seconds_left: float | None,
) -> bool:
    """Say that somebody is at a run, and how far, in percent; False: the run is over, nobody need go on."""
    there = runs.noted(LanguageModel, owner, customization_id, run, [LanguageModel.run_alive.set(now())])
    runs.progressed(
        LanguageModel, owner, customization_id, run, progress=progress, stage=stage, seconds_left=seconds_left
    )
    return there


def let_go(owner: str, customization_id: str, run: int) -> bool:
    """Let another one take up a run at once; False: it is over."""
    return runs.noted(LanguageModel, owner, customization_id, run, [LanguageModel.run_alive.remove()])


def abandoned(model: LanguageModel, moment: datetime) -> bool:
    """Tell whether nobody seems to do the model's current run."""
    last = model.run_alive or model.run_started
    return last is None or moment - last >= _ALIVE


def succeeded(
    model: LanguageModel,
    *,
    sha256: str,
    grammars: set[str],
    large_grammars: Collection[str] = (),
    versions: Sequence[str] = (),
) -> bool:
    """Promote the current run of a model, whose artefact holds these grammars; see `runs.succeeded`.

    `large_grammars` are those of them that not every engine with grammars can take. `versions` are those that
    the artefact can be used on beside the one that it was trained on.
    """
    weight = model.run_weight
    also = [
        LanguageModel.large_grammars.set(set(large_grammars))
        if large_grammars
        else LanguageModel.large_grammars.remove(),
        LanguageModel.promoted_also.set(list(versions)) if versions else LanguageModel.promoted_also.remove(),
        LanguageModel.trained_grammars.set(grammars) if grammars else LanguageModel.trained_grammars.remove(),
        LanguageModel.customization_weight.remove()
        if weight is None
        else LanguageModel.customization_weight.set(weight),
        LanguageModel.trained_words.set(model.run_words or custom_words.ALL),
        LanguageModel.run_alive.remove(),
    ]
    if model.promoted_version != model.base_version_of_run:
        older = model.trained_grammars
        also += [LanguageModel.older_grammars.set(older) if older else LanguageModel.older_grammars.remove()]
    return runs.succeeded(
        LanguageModel,
        model.owner,
        model.customization_id,
        int(model.run),
        sha256=sha256,
        beside=lambda _: runs.Beside(also),
    )


def cancel(owner: str, customization_id: str) -> None:
    """End the current run because its user wants it; the model is what it was before.

    Raises:
        MalformedId, UnknownModel: see `custom_models.get`.
        NotTraining: the model is in no run.
    """
    model = runs.request_cancel(LanguageModel, owner, customization_id)
    runs.cancelled(LanguageModel, owner, customization_id, int(model.run))
