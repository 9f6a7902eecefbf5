"""Audio has arrived in the bucket: find out what it is, and tell its model."""

from __future__ import annotations

import dataclasses
import json
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, cast

from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from chalicelib.customization import acoustic_models, audio_resources, uploads
from chalicelib.customization.audio_resources import Analysis
from chalicelib.engines.catalogue import BASE_MODELS
from chalicelib.events import announcements, messages, telemetry
from chalicelib.events.once import once
from chalicelib.storage import objects
from chalicelib.storage.layout import AudioKey
from chalicelib.storage.tables import AcousticModel, AudioResource
from chalicelib.training import launch

GIVEN_UP = (
    "The audio could not be analysed because of an internal error. Upload it again, in smaller parts if it "
    "is large; if that fails too, tell the operator of this service."
)
_ROW_IS_LATE = timedelta(minutes=1)

_processor = messages.new_processor()


class RowMissing(Exception):
    """The table does not know of an upload yet. Try again."""


def handle(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Analyse what a batch of S3 announcements names."""
    return messages.handle(event, context, _processor, _announced)


def _announced(record: SQSRecord) -> None:
    for announcement in announcements.read(record.body):
        try:
            key = AudioKey.parse(announcement.key)
        except ValueError:
            telemetry.logger.warning("an object that is no upload", extra={"key": announcement.key})
            continue
        once(
            _uploaded,
            {"key": announcement.key, "sequencer": announcement.sequencer},
            key=key,
            at=announcement.at,
            last_attempt=messages.receives(record) >= messages.MAX_RECEIVES,
        )


def _uploaded(identity: dict[str, Any], key: AudioKey, at: datetime, last_attempt: bool) -> None:
    model = acoustic_models.find(key.owner, key.customization_id)
    audio = _resource(key)
    if model is not None and audio is None and datetime.now(UTC) - at < _ROW_IS_LATE:
        raise RowMissing(identity["key"])
    if model is None or audio is None or audio.generation != model.generation:
        objects.delete(key.key, key.listing_key)  # removed meanwhile, or its model was reset or deleted
        return
    if audio.upload_id != key.upload_id:
        _drop_replaced(key, audio)
        return
    if audio.status == uploads.BEING_PROCESSED:
        _finish(key, _given_up() if last_attempt else _analyse(key, model, audio))
    # Also when a repetition finds the analysis done: the first attempt may have died just here.
    if launch.train_when_due(key.owner, key.customization_id):
        telemetry.count("TrainingsByThemselves")


def _resource(key: AudioKey) -> AudioResource | None:
    try:
        return AudioResource.get(key.customization_id, key.resource_id, consistent_read=True)
    except AudioResource.DoesNotExist:
        return None


def _drop_replaced(key: AudioKey, audio: AudioResource) -> None:
    """Remove what a newer upload of the same name has replaced, once that upload is really there."""
    if audio.status != uploads.BEING_PROCESSED or objects.exists(audio_resources.key_of(audio).key):
        objects.delete(key.key, key.listing_key)


def _analyse(key: AudioKey, model: AcousticModel, audio: AudioResource) -> Analysis:
    # Here, because it brings in the audio libraries, which a batch of stale events does without.
    from chalicelib.audio import inspection

    began_s = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "upload")
        objects.download(key.key, path)
        found = inspection.inspect(
            path,
            audio.content_type,
            audio.contained_content_type,
            min_rate_hz=BASE_MODELS[model.base_model_name].rate_hz,
        )
    if audio.kind == "archive":
        members = [dataclasses.asdict(member) for member in found.members]
        objects.put(key.listing_key, json.dumps({"members": members}).encode(), "application/json")
    telemetry.measure_s("AnalysisTime", time.monotonic() - began_s)
    return Analysis(
        valid=found.status == "ok",
        details_type=found.details_type,
        codec=found.codec,
        frequency_hz=found.frequency_hz,
        compression=cast(Literal["zip", "gzip"] | None, found.compression),
        duration_s=found.duration_s,
        speech_s=found.speech_s,
        error=found.error,
    )


def _finish(key: AudioKey, analysis: Analysis) -> None:
    current = audio_resources.analysis_finished(
        key.owner, key.customization_id, key.resource_id, key.upload_id, analysis
    )
    telemetry.count("AudioValid" if analysis.valid else "AudioInvalid")
    if not current:
        telemetry.logger.info("analysed in vain: the upload is gone", extra={"key": key.key})
        remaining = _resource(key)
        if remaining is None or remaining.upload_id != key.upload_id:
            objects.delete(key.listing_key)


def _given_up() -> Analysis:
    return Analysis(valid=False, details_type="undetermined", error=GIVEN_UP)
