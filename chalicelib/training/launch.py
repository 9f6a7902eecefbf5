"""Start the training job of a claimed run."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, cast

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib import settings
from chalicelib.customization import (
    acoustic_models,
    acoustic_training,
    audio_resources,
    errors,
    helper_models,
    language_models,
    retraining,
    runs,
)
from chalicelib.customization.acoustic_training import Claim
from chalicelib.engines import availability, catalogue
from chalicelib.storage import failures, layout, objects
from chalicelib.storage.conditional import Contended
from chalicelib.storage.layout import RunKey
from chalicelib.storage.tables import AcousticModel, AudioResource, LanguageModel
from chalicelib.training import jobs, machines, plan

if TYPE_CHECKING:
    from mypy_boto3_sagemaker.literals import TrainingInstanceTypeType
    from mypy_boto3_sagemaker.type_defs import ChannelTypeDef, CreateTrainingJobRequestTypeDef

logger = logging.getLogger(__name__)

WAITING = "waiting for a training machine"
NOT_STARTED = (
    "The training could not be started. Train again; if it fails again, tell the operator of this service."
)
HELPER_GONE = "The custom language model that was to help has been deleted or reset. Train again without it."


def run_of(model: AcousticModel) -> RunKey:
    """Return where the current run of a model keeps its things."""
    return RunKey(model.owner, model.customization_id, int(model.run))


def start(claim: Claim) -> None:
    """Plan the claimed run and create its training job. May be repeated: the job's name is that of the run.

    Never fails the caller, who tells the user that training begins: a platform that has no capacity is asked
    again by the reconciler, and a run that the platform rejects ends with a reason.
    """
    model = claim.model
    run = run_of(model)
    name = jobs.name_of(run)
    missing = availability.obstacle(model.run_base_version or model.versions[-1])
    if missing is not None:  # the engine was there when the run was claimed
        runs.failed(AcousticModel, run.owner, run.customization_id, run.run, missing)
        return
    try:
        plan.store(run, model, claim.recordings)
        jobs.create(request(model, claim.recordings))
    except jobs.JobRejected:
        logger.exception("the platform rejects training job %s", name)
        runs.failed(AcousticModel, run.owner, run.customization_id, run.run, NOT_STARTED)
        return
    except objects.ObjectNotFound:
        runs.failed(AcousticModel, run.owner, run.customization_id, run.run, HELPER_GONE)
        return
    except (jobs.PlatformUnavailable, ClientError, BotoCoreError):
        logger.warning("training job %s has to wait", name, exc_info=True)
        runs.progressed(AcousticModel, run.owner, run.customization_id, run.run, progress=0, stage=WAITING)
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


def resume(model: AcousticModel) -> None:
    """Start the job of a run that was claimed and whose launch has not come to its end.

    Nothing can have been added or removed since: the audio of a model in a run does not change.
    """
    valid = (audio for audio in audio_resources.of_model(model) if audio.status == audio_resources.OK)
    start(Claim(model, tuple(valid)))


def train_when_due(owner: str, customization_id: str) -> bool:
    """Start a training if the model wants to train by itself and enough new audio has come."""
    model = acoustic_models.find(owner, customization_id)
    if model is None or not retraining.due(model):
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
    base = catalogue.base_version(model.run_base_version or model.versions[-1])
    of_engine = chosen.engine(base.engine)
    planned = machines.planned(base, recordings)
    channels = [_channel("plan", run.plan_prefix), _channel("audio", run.audio_manifest_key, "ManifestFile")]
    if model.run_helper:
        channels.append(_channel("language", run.language_prefix))
    if base.staged:
        channels.append(_channel("base", layout.base_weights_prefix(base.name)))
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
