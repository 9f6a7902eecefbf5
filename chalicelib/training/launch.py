"""Start the training job of a claimed run, when it is its turn."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal, cast

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib import settings
from chalicelib.customization import acoustic_models, custom_models, errors, language_models, runs, turns
from chalicelib.customization.acoustic import acoustic_training, audio_resources, helper_models, retraining
from chalicelib.customization.acoustic.acoustic_training import AcousticClaim
from chalicelib.engines import availability, catalogue
from chalicelib.engines.errors import BaseUnreadable
from chalicelib.storage import failures, objects, queues
from chalicelib.storage.conditional import Contended
from chalicelib.storage.layout import RunKey
from chalicelib.storage.tables import AcousticModel, AudioResource, LanguageModel
from chalicelib.training import base_weights, ends, jobs, machines, plan

if TYPE_CHECKING:
    from mypy_boto3_sagemaker.literals import TrainingInstanceTypeType
    from mypy_boto3_sagemaker.type_defs import ChannelTypeDef, CreateTrainingJobRequestTypeDef

logger = logging.getLogger(__name__)

WAITING = "waiting for a training machine"
NOT_STARTED = (
    "The training could not be started. Train again; if it fails again, tell the operator of this service."
)
HELPER_GONE = "The custom language model that was to help has been deleted or reset. Train again without it."


def waiting_for_quota(quota: str) -> str:
    """Return the stage of a run for which the account may use no machine."""
    return f"{WAITING}: the service's AWS account has a quota of 0 for '{quota}'; tell its operator"


def run_of(model: AcousticModel) -> RunKey:
    """Return where the current run of a model keeps its things."""
    return RunKey(model.owner, model.customization_id, int(model.run))


def start(claim: AcousticClaim) -> None:
    """Have the claimed run begin when it is its turn, which may be at once. May be repeated.

    Never fails the caller, who tells the user that training begins: a platform that has no capacity is asked
    again by the reconciler, and a run that the platform rejects ends with a reason.
    """
    resume(claim.model)


def resume(model: AcousticModel) -> None:
    """Start a run that was claimed and whose launch has not come to its end; see `start`.

    Nothing can have been added or removed since: the audio of a model in a run does not change.
    """
    if model.turn:
        launch(model)
        return
    turns.join(model)
    try:
        serve_line(model)
    except (*failures.FAILURES, Contended):
        # It stands in the line: whoever serves that next, at the latest the reconciler, finds it there.
        logger.warning("the line of trainings is served later", exc_info=True)


def serve_line(own: AcousticModel | None = None) -> int:
    """Launch the runs whose turn has come; return how many.

    What goes wrong with a launch is raised if it is that of `own`; others are left to the reconciler.
    """
    launched = 0
    for model in turns.serve(budget()):
        try:
            launch(model)
        except Exception:
            if own is not None and model.customization_id == own.customization_id:
                raise
            logger.exception("training %s will be launched later", model.customization_id)
        launched += 1
    return launched


def budget() -> turns.TrainingBudget:
    """Return how many trainings may go on at once."""
    chosen = settings.current()
    return turns.TrainingBudget(chosen.max_trainings_at_once, chosen.max_trainings_at_once_of_owner)


def launch(model: AcousticModel) -> None:
    """Plan the current run of a model and create its training job. May be repeated: its name is the run's."""
    run = run_of(model)
    name = jobs.name_of(run)
    missing = availability.obstacle(model.base_version_of_run)
    if missing is not None:  # the engine was there when the run was claimed
        ends.failed(run, missing)
        return
    try:
        recordings = [
            audio for audio in audio_resources.of_model(model) if audio.status == audio_resources.OK
        ]
        plan.store(run, model, recordings)
        jobs.create(request(model, recordings))
    except jobs.JobRejected:
        logger.exception("the platform rejects training job %s", name)
        ends.failed(run, NOT_STARTED)
        return
    except objects.ObjectNotFound:
        ends.failed(run, HELPER_GONE)
        return
    except BaseUnreadable as error:
        ends.failed(run, str(error))
        return
    except (jobs.PlatformUnavailable, ClientError, BotoCoreError) as error:
        logger.warning("training job %s has to wait", name, exc_info=True)
        stage = waiting_for_quota(error.quota) if isinstance(error, jobs.QuotaIsZero) else WAITING
        runs.progressed(AcousticModel, run.owner, run.customization_id, run.run, progress=0, stage=stage)
        return
    try:
        wanted = acoustic_training.job_created(run.owner, run.customization_id, run.run, name)
    except (*failures.FAILURES, Contended):
        logger.warning("training job %s runs and could not be noted; it will be", name, exc_info=True)
        return
    if not wanted:
        _stop_unwanted(name)


def _stop_unwanted(name: str) -> None:
    """Stop a job whose run was cancelled while it was launched."""
    try:
        jobs.stop(name)
    except jobs.PlatformUnavailable:
        logger.exception("training job %s runs for nobody and could not be stopped", name)


def train_when_due(
    owner: str, customization_id: str, moment: datetime | None = None, *, last_look: int | None = None
) -> bool:
    """Start a training if the model wants to train by itself, and enough new audio and no more is coming.

    While more may come, a message is sent that looks again later.

    Args:
        owner: of the model.
        customization_id: of the model.
        moment: the present one, unless another is given.
        last_look: what the message said that has the caller look; see `retraining.look_again`.
    """
    model = acoustic_models.find(owner, customization_id)
    if model is None:
        return False
    moment = moment or custom_models.now()
    due = retraining.due(model, timedelta(seconds=settings.current().retrain_quiet_s))
    if due is None:
        return False
    if due > moment:
        _look_again(model, due, moment, last_look)
        return False
    try:
        train_again(owner, customization_id)
    except errors.CustomizationError:
        return False  # somebody else was quicker, or the audio has changed again
    return True


def train_again(owner: str, customization_id: str) -> RunKey:
    """Train a model on the audio that it has now, with what helped the last time, and return the run.

    Raises:
        customization.errors.CustomizationError: it cannot be trained now; the text says why.
    """
    helper = _helper(acoustic_models.get(owner, customization_id))
    claim = acoustic_training.begin_training(owner, customization_id, strict=False, helper=helper)
    start(claim)
    return run_of(claim.model)


def _look_again(model: AcousticModel, due: datetime, moment: datetime, last_look: int | None) -> None:
    """Have somebody look again when no more audio is expected; if that fails, the reconciler does."""
    wanted = retraining.look_again(model, due, moment, longest_s=queues.LONGEST_DELAY_S, last_look=last_look)
    if wanted is None:
        return
    delay_s, look = wanted
    message = {"owner": model.owner, "id": model.customization_id, "look": look}
    try:
        queues.send(settings.current().training_due_queue, message, delay_s=delay_s)
    except failures.FAILURES:
        logger.warning("training %s by itself will be late", model.customization_id, exc_info=True)


def _helper(model: AcousticModel) -> LanguageModel | None:
    """Return what helped in the last training, if it can help again."""
    helper = language_models.find(model.owner, model.trained_helper) if model.trained_helper else None
    if helper is None or helper_models.obstacle(model, helper, model.versions[-1]) is not None:
        return None
    return helper


def request(model: AcousticModel, recordings: Sequence[AudioResource]) -> CreateTrainingJobRequestTypeDef:
    """Return the whole `CreateTrainingJob` request for the current run of a model."""
    chosen = settings.current()
    run = run_of(model)
    base = catalogue.base_version(model.base_version_of_run)
    of_engine = chosen.engine(base.engine)
    planned = machines.planned(base, recordings)
    channels = [_channel("plan", run.plan_prefix), _channel("audio", run.audio_manifest_key, "ManifestFile")]
    if model.run_helper:
        channels.append(_channel("language", run.language_prefix))
    weights = base_weights.prefix(base)
    if weights is not None:
        channels.append(_channel("base", weights))
    complete: CreateTrainingJobRequestTypeDef = {
        "TrainingJobName": jobs.name_of(run),
        "AlgorithmSpecification": {"TrainingImage": of_engine.training_image, "TrainingInputMode": "File"},
        "RoleArn": chosen.training_role_arn,
        "InputDataConfig": channels,
        "OutputDataConfig": {"S3OutputPath": _uri(run.output_prefix)},
        "CheckpointConfig": {"S3Uri": _uri(run.checkpoints_prefix), "LocalPath": "/opt/ml/checkpoints"},
        "ResourceConfig": {
            "InstanceType": cast("TrainingInstanceTypeType", planned.instance_type),
            "InstanceCount": planned.instance_count,
            "VolumeSizeInGB": planned.volume_gb,
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": planned.max_runtime_s},
        "RetryStrategy": {"MaximumRetryAttempts": 2},
        "EnableManagedSpotTraining": of_engine.training_use_spot,
        "EnableNetworkIsolation": True,
        "HyperParameters": {
            "customization_id": run.customization_id,
            "run": str(run.run),
            "base_version": base.name,
            "engine": base.engine,
            "max_runtime_s": str(planned.max_runtime_s),
        },
        "Environment": {"PYTHONUNBUFFERED": "1"},
        "Tags": [
            {"Key": "attune:instance", "Value": chosen.service_instance},
            {"Key": "attune:owner", "Value": run.owner},
            {"Key": "attune:customization", "Value": run.customization_id},
            {"Key": "attune:run", "Value": str(run.run)},
        ],
    }
    if of_engine.training_use_spot:
        # Waiting for capacity and being interrupted may take as long again as the training itself.
        complete["StoppingCondition"]["MaxWaitTimeInSeconds"] = 2 * planned.max_runtime_s
    return complete


def _channel(name: str, key: str, kind: Literal["S3Prefix", "ManifestFile"] = "S3Prefix") -> ChannelTypeDef:
    return {
        "ChannelName": name,
        "DataSource": {
            "S3DataSource": {
                "S3DataType": kind,
                "S3Uri": _uri(key),
                "S3DataDistributionType": "FullyReplicated",
            }
        },
    }


def _uri(key: str) -> str:
    return f"s3://{settings.current().bucket}/{key}"
