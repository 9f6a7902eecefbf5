from __future__ import annotations

import json

from chalicelib.customization.acoustic import acoustic_training
from chalicelib.storage import objects
from chalicelib.training import plan
from chalicelib.training.launch import run_of
from tests import custom_models
from training_image.plan import parse_plan


def test_plan_and_manifest_name_the_same_objects() -> None:
    model = custom_models.new()
    first = custom_models.add_audio(model, "a b/ü.wav")
    archive = custom_models.upload(
        model,
        "calls.zip",
        b"PK",
        kind="archive",
        content_type="application/zip",
        contained_content_type="audio/l16;rate=16000",
    )
    custom_models.analysed(archive)
    custom_models.add_audio(model, "broken", valid=False)
    claim = acoustic_training.begin_training(model.owner, model.customization_id, strict=False)
    run = run_of(claim.model)

    plan.store(run, claim.model, claim.recordings)

    document = json.loads(objects.get(f"{run.plan_prefix}plan.json"))
    assert document == {
        "customization_id": model.customization_id,
        "run": 1,
        "base_version": "en-US_BroadbandModel.v2020-01-16",
        "engine": "sphinx",
        "rate_hz": 16_000,
        "least_rate_hz": 16_000,
        "language": None,
        "base_weights": None,
        "language_model": None,
        "recordings": [
            {
                "audio_name": "a b/ü.wav",
                "file": f"{first.row.audio_id}/{first.row.upload_id}",
                "kind": "audio",
                "content_type": "audio/wav",
                "contained_content_type": None,
            },
            {
                "audio_name": "calls.zip",
                "file": f"{archive.row.audio_id}/{archive.row.upload_id}",
                "kind": "archive",
                "content_type": "application/zip",
                "contained_content_type": "audio/l16;rate=16000",
            },
        ],
    }
    prefix, *files = json.loads(objects.get(run.audio_manifest_key))
    assert files == [recording["file"] for recording in document["recordings"]]
    assert [prefix["prefix"] + file for file in files] == [
        f"s3://attune-test/{accepted.key.key}" for accepted in (first, archive)
    ]


def test_the_container_understands_the_plan() -> None:
    model = custom_models.new()
    custom_models.add_audio(model, "one")
    claim = acoustic_training.begin_training(model.owner, model.customization_id)
    read = parse_plan(plan.plan(claim.model, claim.recordings))
    assert (read.customization_id, read.run, read.engine) == (model.customization_id, 1, "sphinx")
    assert [recording.audio_name for recording in read.recordings] == ["one"]
