"""Who may train or upgrade a custom acoustic model."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chalicelib.customization import acoustic_models, custom_models, limits, runs, statuses
from chalicelib.customization.acoustic import audio_resources, helper_models, kept_versions
from chalicelib.customization.custom_models import now
from chalicelib.customization.errors import ModelBusy, NothingModified, TrainingRefused, UpgradeRefused
from chalicelib.customization.reports import report_summary
from chalicelib.customization.reports.training_result import TrainingResult
from chalicelib.engines import catalogue
from chalicelib.sharing import meter
from chalicelib.sharing.meter import MeteredWork, Used
from chalicelib.storage.conditional import Action, ConditionFailed, Contended, write
from chalicelib.storage.kept_version import KeptVersion
from chalicelib.storage.tables import AcousticModel, AudioResource, LanguageModel

_ATTEMPTS = 10


@dataclass(frozen=True)
class RunCallback:
    """Who is told of the end of one run."""

    url: str
    """It is registered."""
    user_token: str | None = None


@dataclass(frozen=True)
class AcousticClaim:
    """A model that is now in a run: launch it, or call `runs.failed`."""

    model: AcousticModel
    """Fresh row: `run` is the run's number, `run_base_version` what it trains on."""
    recordings: tuple[AudioResource, ...]
    """The valid resources, in the order in which they were added."""
    left_out: tuple[str, ...] = ()
    """Names of the invalid resources."""


def begin_training(
    owner: str,
    customization_id: str,
    *,
    strict: bool = True,
    helper: LanguageModel | None = None,
    callback: RunCallback | None = None,
) -> AcousticClaim:
    """Claim the model for a training on all its valid audio. Of simultaneous calls exactly one succeeds.

    `helper` is a custom language model that is to help. `callback` is told of the end; None: the model's own.

    Raises:
        MalformedId, UnknownModel: see `acoustic_models.get`.
        ModelBusy: the model handles another request.
        TrainingRefused: too little, too much, or (while `strict`) invalid audio, or a helper that cannot
            help; the model is now failed.
        NotServed: this installation does without the engine of its base version; it stays as it is.
        NothingModified: the model has been trained on exactly this audio, with the same help, already; it
            stays as it is.
    """
    for _ in range(_ATTEMPTS):
        model = acoustic_models.get(owner, customization_id)
        if statuses.busy(model):
            raise ModelBusy(customization_id)
        custom_models.check_loadable(model)
        resources = audio_resources.of_model(model)
        valid = tuple(audio for audio in resources if audio.status == audio_resources.OK)
        left_out = tuple(audio.audio_name for audio in resources if audio.status == audio_resources.INVALID)
        reason = _obstacle(valid, left_out, strict)
        base_version = model.versions[-1]
        if reason is None and helper is not None:
            reason = helper_models.obstacle(model, helper, base_version)
        same_help = helper_models.same_as_trained(model, helper, base_version)
        if reason is None and same_help and runs.trained_already(model):
            raise NothingModified
        try:
            if reason is not None:
                write(statuses.training_refused(model, reason, now()))
                raise TrainingRefused(reason)
            write(statuses.training_begun(model, now(), _begun(helper, base_version, callback)))
        except ConditionFailed:
            continue
        return AcousticClaim(model, valid, left_out)
    raise Contended


def _obstacle(valid: tuple[AudioResource, ...], left_out: tuple[str, ...], strict: bool) -> str | None:
    if not valid and not left_out:
        return "No input data available for training"
    if left_out and strict:
        return (
            f"Analysis of the following audio has not completed successfully: {runs.some_of(left_out)}. "
            "Delete or replace it, or set the parameter 'strict' to 'false' to train without it."
        )
    total_s = sum(float(audio.duration_s) for audio in valid)
    if limits.LEAST_TRAINING_S <= total_s <= limits.MOST_TRAINING_S:
        return None
    # Away from the limit: 599.9 s must not read as the ten minutes that are asked for.
    rounded = math.floor if total_s < limits.LEAST_TRAINING_S else math.ceil
    return (
        "The total valid audio duration must be between 10 minutes and 200 hours for training, "
        f"but it is {rounded(total_s * 100 / 60) / 100:.2f} minutes."
    )


def _begun(helper: LanguageModel | None, base_version: str, callback: RunCallback | None) -> list[Action]:
    token = None if callback is None else callback.user_token
    return [
        AcousticModel.job_name.remove(),
        AcousticModel.turn.remove(),
        AcousticModel.retrain_look.remove(),
        AcousticModel.run_callback.remove()
        if callback is None
        else AcousticModel.run_callback.set(callback.url),
        AcousticModel.run_token.remove() if token is None else AcousticModel.run_token.set(token),
        *helper_models.claimed(helper, base_version),
    ]


def begin_upgrade(
    owner: str,
    customization_id: str,
    *,
    helper: LanguageModel | None = None,
    force: bool = False,
    callback: RunCallback | None = None,
) -> AcousticClaim | None:
    """Take the model to the newest version of its base: claimed for a run, or done (None) if never trained.

    With a `helper` a model that is on the newest version already is trained once more, now with that help;
    `force` does so although nothing has changed. `callback`: see `begin_training`; what is done at once ends
    before it could be told of.

    Raises:
        NothingModified: it is on the newest version, and was trained with the same help and audio there.
        MalformedId, UnknownModel: see `acoustic_models.get`.
        ModelBusy: the model handles another request.
        UpgradeRefused: the model is up-to-date, has no data, or is in a state without an upgrade.
        NotServed: see `runs.upgradable`.
    """
    for _ in range(_ATTEMPTS):
        model = acoustic_models.get(owner, customization_id)
        if statuses.busy(model):
            raise ModelBusy(customization_id)
        resources = audio_resources.of_model(model)
        newest = _upgrade_target(model, resources, helper, force=force)
        valid = tuple(audio for audio in resources if audio.status == audio_resources.OK)
        try:
            if not model.promoted_run:
                write(statuses.upgraded_at_once(model, newest, now()))
                return None
            write(statuses.upgrade_begun(model, newest, now(), _begun(helper, newest, callback)))
        except ConditionFailed:
            continue
        return AcousticClaim(model, valid)
    raise Contended


def _upgrade_target(
    model: AcousticModel, resources: Sequence[AudioResource], helper: LanguageModel | None, *, force: bool
) -> str:
    """Return the base version that the model is to be upgraded to."""
    newest = custom_models.newest_version(model)
    custom_models.check_loadable(model, newest)
    again = helper is not None and model.versions[-1] == newest and model.promoted_version == newest
    if not again or not statuses.allowed(model, statuses.UPGRADE_BEGUN):
        newest = runs.upgradable(model, "acoustic", None if resources else "audio")
    reason = None if helper is None else helper_models.obstacle(model, helper, newest)
    if reason is not None:
        raise UpgradeRefused(reason)
    same_data = model.trained_data_version == model.data_version
    if again and same_data and not force and helper_models.same_as_trained(model, helper, newest):
        raise NothingModified
    return newest


def job_created(owner: str, customization_id: str, run: int, job_name: str) -> bool:
    """Remember the training job of the current run; False when that run is over."""
    return runs.noted(AcousticModel, owner, customization_id, run, [AcousticModel.job_name.set(job_name)])


def training_succeeded(
    owner: str,
    customization_id: str,
    run: int,
    *,
    sha256: str,
    size_bytes: int | None = None,
    report: Mapping[str, Any] | None = None,
    most_versions: int = limits.VERSIONS,
) -> bool:
    """Promote the run, which makes a version of the model; see `runs.succeeded`.

    Args:
        owner: of the model.
        customization_id: of the model.
        run: its number.
        sha256: of the artefact.
        size_bytes: of the artefact.
        report: what lies under `layout.report_key`.
        most_versions: so many are kept; the oldest go.
    """
    result = TrainingResult.of_report(report or {})
    told = {} if report is None else report_summary.outcome(report)
    audio_s = float((report or {}).get("audio_s") or 0.0)
    if result.words is not None:
        told["result"] = result.words

    def beside(model: AcousticModel) -> runs.Beside:
        helper_run = model.run_helper_run if model.run_helper else None
        made = KeptVersion(
            run,
            now(),
            model.base_version_of_run,
            sha256,
            size_bytes,
            model.run_data_version,
            model.run_helper or None,
            None if helper_run is None else int(helper_run),
            result.to_figures(),
        )
        versions = kept_versions.with_new(model, made, most_versions)
        return runs.Beside(
            [
                AcousticModel.reported_run.set(run),
                AcousticModel.kept.set([one.to_text() for one in versions]),
                *helper_models.kept(model),
            ],
            statuses.same_versions(model),
            {
                **told,
                "version": run,
                "retraining": model.promoted_run is not None,
                "versions_removed": list(versions[-1].removed),
            },
            meter.adding(owner, _used(model, audio_s)),
        )

    return runs.succeeded(AcousticModel, owner, customization_id, run, sha256=sha256, beside=beside)


def _used(model: AcousticModel, audio_s: float) -> Used:
    """Return what a training of the model counts as on the meter."""
    engine = catalogue.engine_of(model.base_version_of_run)
    customization = meter.customization(acoustic=True, language=bool(model.run_helper))
    return Used(MeteredWork.ADAPTATION, engine, customization, audio_s)
