"""What a training run works on: the plan for the container and the manifest of the audio it gets."""

from __future__ import annotations

import json
from collections.abc import Sequence

from chalicelib import settings
from chalicelib.engines import catalogue
from chalicelib.storage import layout, objects
from chalicelib.storage.tables import AcousticModel, AudioResource
from chalicelib.training import base_weights

LANGUAGE_MODEL = "language-model.tar.gz"
"""The helper language model's artefact in the `language` channel."""


def plan(model: AcousticModel, recordings: Sequence[AudioResource]) -> bytes:
    """Return `plan.json` of the model's current run (its form: docs/internals/architecture.md)."""
    base = catalogue.base_version(model.base_version_of_run)
    document = {
        "customization_id": model.customization_id,
        "run": int(model.run),
        "base_version": base.name,
        "engine": base.engine,
        "rate_hz": base.rate_hz,
        "least_rate_hz": catalogue.base_model_of_version(base.name).least_rate_hz,
        "language": base.language,
        "base_weights": base_weights.prefix(base),
        "language_model": LANGUAGE_MODEL if model.run_helper else None,
        "recordings": [
            {
                "audio_name": recording.audio_name,
                "file": _file(recording),
                "kind": recording.kind,
                "content_type": recording.content_type,
                "contained_content_type": recording.contained_content_type,
            }
            for recording in recordings
        ],
    }
    return json.dumps(document, ensure_ascii=False, indent=1).encode()


def audio_manifest(model: AcousticModel, recordings: Sequence[AudioResource]) -> bytes:
    """Return SageMaker's manifest of the `audio` channel: a common prefix, then the objects below it.

    The container finds each object under its path below the prefix, which is the plan's `file`.
    """
    prefix = f"{layout.AUDIO_PREFIX}{model.owner}/{model.customization_id}/"
    entries: list[object] = [{"prefix": f"s3://{settings.current().bucket}/{prefix}"}]
    return json.dumps(entries + [_file(recording) for recording in recordings], indent=1).encode()


def store(run: layout.RunKey, model: AcousticModel, recordings: Sequence[AudioResource]) -> None:
    """Put the inputs of a run where its job expects them.

    Raises:
        ObjectNotFound: the helper language model has gone.
        BaseUnreadable: the staged base has gone, or a file of it.
    """
    base_weights.store(catalogue.base_version(model.base_version_of_run))
    objects.put(f"{run.plan_prefix}plan.json", plan(model, recordings), "application/json")
    objects.put(run.audio_manifest_key, audio_manifest(model, recordings), "application/json")
    if model.run_helper and model.run_helper_run:
        # A copy: the helper may be trained anew, or deleted, before the job begins.
        copy = f"{run.language_prefix}{LANGUAGE_MODEL}"
        if not objects.exists(copy):
            key = layout.language_model_key(model.owner, model.run_helper, int(model.run_helper_run))
            objects.copy(key, copy)


def _file(recording: AudioResource) -> str:
    return f"{recording.audio_id}/{recording.upload_id}"
