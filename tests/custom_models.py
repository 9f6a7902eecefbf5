"""Custom acoustic models with audio, as tests need them."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

from chalicelib.customization import acoustic_models
from chalicelib.customization.acoustic import audio_resources
from chalicelib.customization.acoustic.audio_resources import Accepted, AudioAnalysis
from chalicelib.storage import objects
from chalicelib.storage.layout import RunKey
from chalicelib.storage.tables import AcousticModel

OWNER = "6b1f2a3c-0d4e-4f5a-8b6c-7d8e9f0a1b2c"


LIGHT = "en-US_BroadbandModel.v2020-01-16"
"""The newest version of the light engine, on which models are made unless a test wants another."""


def new(**options: Any) -> AcousticModel:
    wanted = {"base_model_version": LIGHT, **options}
    return acoustic_models.create(OWNER, name="kitchen", base_model_name="en-US_BroadbandModel", **wanted)


def fresh(model: AcousticModel) -> AcousticModel:
    return acoustic_models.get(model.owner, model.customization_id)


def upload(model: AcousticModel, audio_name: str, data: bytes | None = b"RIFF", **options: Any) -> Accepted:
    """Accept an upload and store its object, if any."""
    taken: dict[str, Any] = {"kind": "audio", "content_type": "audio/wav", "size_bytes": len(data or b"")}
    accepted = audio_resources.accept(fresh(model), audio_name, **(taken | options))
    if data is not None:
        objects.put(accepted.key.key, data)
        audio_resources.stored(accepted)
    return accepted


def analysed(accepted: Accepted, *, duration_s: float = 700.0, valid: bool = True) -> None:
    """Record an analysis."""
    audio = accepted.row
    analysis = AudioAnalysis(
        valid=valid,
        details_type="audio",
        codec="pcm_s16le",
        frequency_hz=16_000,
        duration_s=duration_s,
        speech_s=duration_s * 0.8,
        error=None if valid else "The audio is broken.",
    )
    assert audio_resources.analysis_finished(
        audio.owner, audio.customization_id, audio.audio_id, audio.upload_id, analysis
    )


def add_audio(model: AcousticModel, audio_name: str, **options: Any) -> Accepted:
    """Upload and analyse."""
    accepted = upload(model, audio_name)
    analysed(accepted, **options)
    return accepted


def artefact(engine: str = "sphinx", base_version: str = LIGHT, **changes: Any) -> bytes:
    """Return a `model.tar.gz` as the training container makes it; `changes` replace or (None) leave out files."""
    parameters = b"PK\x03\x04 adapted parameters"
    manifest = {
        "format": 1,
        "engine": engine,
        "base_version": base_version,
        "sha256": {"adapted.npz": hashlib.sha256(parameters).hexdigest()},
    }
    report = {"decision": "adapted", "reason": "better on held-out audio"}
    files: dict[str, Any] = {"adapted.npz": parameters, "manifest.json": manifest, "report.json": report}
    files |= {
        name.replace("_", ".") if "/" not in name else name: content for name, content in changes.items()
    }
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in files.items():
            if content is None:
                continue
            data = content if isinstance(content, bytes) else json.dumps(content).encode()
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return packed.getvalue()


def artefact_file(folder: Path, **changes: Any) -> Path:
    path = folder / "model.tar.gz"
    path.write_bytes(artefact(**changes))
    return path


def leave_artefact(run: RunKey, job_name: str, data: bytes | None = None) -> None:
    """Put an artefact where SageMaker puts it."""
    objects.put(f"{run.output_prefix}{job_name}/output/model.tar.gz", artefact() if data is None else data)


def say_progress(run: RunKey, **document: Any) -> None:
    """Write progress.json as the container does."""
    objects.put(run.progress_key, json.dumps(document).encode())
