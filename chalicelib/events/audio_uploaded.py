"""Analyses audio that has arrived in the bucket, and updates its model."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path
from typing import Any, Literal, cast

from chalicelib.customization.acoustic import audio_resources
from chalicelib.customization.acoustic.audio_resources import AudioAnalysis
from chalicelib.engines.catalogue import KNOWN_MODELS
from chalicelib.events.delivery import messages, telemetry
from chalicelib.events.delivery.arrivals import Arrivals
from chalicelib.sharing import usage
from chalicelib.storage import objects, scratch
from chalicelib.storage.layout import UploadKey
from chalicelib.storage.tables import AcousticModel, AudioResource
from chalicelib.training import ends, launch

GIVEN_UP = (
    "The audio could not be analysed because of an internal error. Upload it again, in smaller parts if it "
    "is large; if that fails too, tell the operator of this service."
)

_processor = messages.new_processor()


def handle(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Analyse what a batch of S3 announcements names."""
    return messages.handle(event, context, _processor, _arrivals.announced)


def _analyse(key: UploadKey, model: AcousticModel, audio: AudioResource, last_attempt: bool) -> None:
    analysis = _given_up() if last_attempt else _inspected(key, model, audio)
    current = audio_resources.analysis_finished(
        key.owner, key.customization_id, key.resource_id, key.upload_id, analysis
    )
    telemetry.count("AudioValid" if analysis.valid else "AudioInvalid")
    if not current:
        _arrivals.in_vain(key)


def _afterwards(key: UploadKey) -> None:
    ends.validated(key.owner, key.customization_id, key.upload_id)
    if launch.train_when_due(key.owner, key.customization_id):
        telemetry.count("TrainingsByThemselves")


_arrivals = Arrivals(audio_resources.KIND, _analyse, _afterwards)


def _inspected(key: UploadKey, model: AcousticModel, audio: AudioResource) -> AudioAnalysis:
    # Here, because it brings in the audio libraries, which a batch of stale events does without.
    from chalicelib.audio import inspection

    began_s = time.monotonic()
    with scratch.folder() as folder:
        path = Path(folder, "upload")
        objects.download(key.key, path)
        found = inspection.inspect(
            path,
            audio.content_type,
            audio.contained_content_type,
            min_rate_hz=KNOWN_MODELS[model.base_model_name].least_rate_hz,
        )
    usage.add(key.owner, found.duration_s)
    if audio.kind == "archive":
        found_in_it = audio_resources.ArchiveListing(
            [dataclasses.asdict(member) for member in found.members],
            found.left_out[: audio_resources.MOST_NAMES_LEFT_OUT],
            len(found.left_out),
        )
        objects.put(key.listing_key, found_in_it.to_json(), "application/json")
    telemetry.measure_s("AnalysisTime", time.monotonic() - began_s)
    return AudioAnalysis(
        valid=found.status == "ok",
        details_type=found.details_type,
        codec=found.codec,
        frequency_hz=found.frequency_hz,
        channels=found.channels,
        compression=cast(Literal["zip", "gzip"] | None, found.compression),
        duration_s=found.duration_s,
        speech_s=found.speech_s,
        error=found.error,
    )


def _given_up() -> AudioAnalysis:
    return AudioAnalysis(valid=False, details_type="undetermined", error=GIVEN_UP)
