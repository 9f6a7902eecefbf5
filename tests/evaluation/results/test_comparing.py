"""Did it help? A custom model's recordings, heard by its base and by itself."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import pytest
import soundfile

from chalicelib.customization import acoustic_models
from chalicelib.evaluation import contenders, evaluations, work
from chalicelib.evaluation.errors import EvaluationRefused
from chalicelib.evaluation.evaluations import Material
from chalicelib.evaluation.hearing import HeardUtterance
from chalicelib.evaluation.recordings import chosen_audio
from chalicelib.evaluation.recordings.chosen_audio import ChosenAudio
from chalicelib.evaluation.recordings.listing import ListedUtterance
from chalicelib.evaluation.results import comparing, picture
from chalicelib.evaluation.wording import Wording
from chalicelib.events import evaluation_due
from chalicelib.recognition.request import backend
from chalicelib.storage import layout, objects
from chalicelib.storage.tables import AcousticModel
from tests import custom_models
from tests.audio.archives.packing import zipped
from tests.audio.signals import encoded, silence, voice
from tests.custom_models import OWNER
from tests.events import recorded

RATE_HZ = 16_000
BASE, CUSTOM = "base", "kitchen"


@pytest.fixture(autouse=True)
def _recognition(account: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backend, "ask", _recognized)


def _recognized(event: dict[str, Any]) -> dict[str, Any]:
    """Hear in a sentence how long it is; a custom model also hears something else in the longer ones."""
    samples, _ = soundfile.read(io.BytesIO(objects.get(event["audio"]["key"])))
    tenths = round(len(samples) / RATE_HZ * 10)
    adapted = event["adapted_model"] is not None
    text = f"this is {'rather ' if adapted and tenths > 25 else ''}long"
    alternative = {"transcript": f"{text} ", "confidence": 0.9 if adapted else 0.6}
    return {"results": {"result_index": 0, "results": [{"final": True, "alternatives": [alternative]}]}}


def _model(**report: Any) -> AcousticModel:
    """Make a trained model with two resources: a recording with two sentences, and an archive with one."""
    model = custom_models.new()
    pause = silence(1.5, RATE_HZ)
    two = np.concatenate([pause, voice(1.0, RATE_HZ), pause, voice(3.0, RATE_HZ), pause])
    call = custom_models.upload(model, "call", encoded(two, RATE_HZ, "WAV", "PCM_16"))
    custom_models.analysed(call, duration_s=9.0)
    member = encoded(np.concatenate([voice(1.2, RATE_HZ), pause]), RATE_HZ, "FLAC")
    packed = custom_models.upload(
        model,
        "more",
        zipped({"notes.txt": b"about these calls", "a.flac": member}),
        kind="archive",
        content_type="application/zip",
    )
    custom_models.analysed(packed, duration_s=2.7)
    row = acoustic_models.get(OWNER, model.customization_id)
    row.promoted_run, row.promoted_version, row.promoted_sha256 = 1, custom_models.LIGHT, "0" * 64
    row.status = "available"
    row.save()
    written = {"decision": "adapted", "reason": "surer", "alpha": None, "held_out": {}, **report}
    objects.put(layout.report_key(OWNER, model.customization_id, 1), json.dumps(written).encode())
    return row


def _compared(model: AcousticModel, chosen: ChosenAudio) -> Any:
    assert chosen_audio.resources(OWNER, chosen)
    models = [
        contenders.chosen(OWNER, {"model": model.base_model_name, "base_model_version": custom_models.LIGHT}),
        contenders.chosen(OWNER, {"acoustic_customization_id": model.customization_id}),
    ]
    material = Material(evaluations.COMPARISON, None, model.customization_id, chosen.to_json())
    row = evaluations.create(OWNER, "helped?", material, models, None)
    _due(row.evaluation_id)
    for piece in evaluations.pieces_left(evaluations.get(OWNER, row.evaluation_id)):
        _due(row.evaluation_id, piece)
    return evaluations.get(OWNER, row.evaluation_id)


def _due(evaluation_id: str, piece: int | None = None) -> None:
    """Hand a message over as the queue does."""
    event = recorded.load("evaluation_due")
    message = {"owner": OWNER, "evaluation": evaluation_id} | ({} if piece is None else {"piece": piece})
    event["Records"][0]["body"] = json.dumps(message)
    assert recorded.failed(evaluation_due.handle(event, None)) == []


def test_sentences_that_changed_are_shown_with_their_audio() -> None:
    model = _model()
    row = _compared(model, ChosenAudio(model.customization_id, held_out=False))
    assert row.status == "completed", row.error
    results = evaluations.results(row)
    figures = {
        "recordings": 2,
        "recordings_changed": 1,
        "sentences_total": 3,
        "changed": 1,
        "words_changed": 1,
    }
    assert {name: results[name] for name in figures} == figures
    (sentence,) = results["sentences"]
    assert sentence["recording"] == "call"
    assert sentence["start_s"] == pytest.approx(4.0, abs=0.5)
    assert sentence["end_s"] == pytest.approx(7.0, abs=0.5)
    assert sentence["texts"] == ["this is long", "this is rather long"]
    assert sentence["confidences"] == [0.6, 0.9]
    assert sentence["marked"] == [
        {"op": "equal", "first": "this is", "second": "this is"},
        {"op": "changed", "first": "", "second": "rather"},
        {"op": "equal", "first": "long", "second": "long"},
    ]
    assert results["words"] == [
        "1 of 3 sentences changed, in 1 of 2 recordings: 1 word in all.",
        "Both agree on 90.0% of the words.",
        "The second model is surer: mean confidence from 0.60 to 0.90.",
    ]
    assert results["agreement"] == 0.9
    assert results["guard"]["decision"] == "adapted"
    audio, content_type = evaluations.audio(row, sentence["number"])
    samples, rate_hz = soundfile.read(io.BytesIO(audio))
    assert (content_type, rate_hz) == ("audio/wav", RATE_HZ)
    assert len(samples) / rate_hz == pytest.approx(sentence["end_s"] - sentence["start_s"], abs=0.02)
    prefix = evaluations.key_of(row).audio_prefix
    assert len(list(objects.keys(prefix))) == 1, "audio that nobody can ask for goes"


def test_held_out_sentences_are_those_of_the_report() -> None:
    places = [
        {"audio_name": "more", "member": "a.flac", "start_s": 0.0, "end_s": 1.2},
        {"audio_name": "call", "member": None, "start_s": 3.9, "end_s": 7.1},
        {"audio_name": "call", "member": None, "start_s": 90.0, "end_s": 91.0},
        {"audio_name": "gone", "member": None, "start_s": 0.0, "end_s": 1.0},
    ]
    model = _model(held_out_utterances=places)
    results = evaluations.results(_compared(model, ChosenAudio(model.customization_id, held_out=True)))
    assert (results["sentences_total"], results["changed"]) == (2, 1)
    assert (results["sentences"][0]["start_s"], results["sentences"][0]["end_s"]) == (3.9, 7.1)


def test_named_recordings_alone_are_compared() -> None:
    model = _model()
    row = _compared(model, ChosenAudio(model.customization_id, held_out=False, names=("more",)))
    results = evaluations.results(row)
    assert (results["recordings"], results["changed"]) == (1, 0)


def test_a_report_without_places_is_told_with_the_way_out() -> None:
    model = _model()
    with pytest.raises(EvaluationRefused, match="Train it again, or compare chosen recordings"):
        chosen_audio.resources(OWNER, ChosenAudio(model.customization_id, held_out=True))


def test_recordings_without_speech_and_deleted_models_fail_it_with_the_reason() -> None:
    model = custom_models.new()
    quiet = custom_models.upload(model, "quiet", encoded(silence(3.0, RATE_HZ), RATE_HZ, "WAV", "PCM_16"))
    custom_models.analysed(quiet, duration_s=3.0)
    trained = _model()
    models = [contenders.chosen(OWNER, {"model": trained.base_model_name})] * 2
    chosen = ChosenAudio(model.customization_id, held_out=False)
    material = Material(evaluations.COMPARISON, None, model.customization_id, chosen.to_json())
    row = evaluations.create(OWNER, "", material, models, None)
    assert work.work(OWNER, row.evaluation_id, last_attempt=False) == "failed"
    error = evaluations.get(OWNER, row.evaluation_id).error
    assert error is not None
    assert "in which people speak" in error
    row = evaluations.create(OWNER, "", material, models, None)
    acoustic_models.delete(OWNER, model.customization_id)
    assert work.work(OWNER, row.evaluation_id, last_attempt=False) == "failed"


def test_what_the_base_was_kept_for_is_said() -> None:
    sentences = [ListedUtterance(0, "call", 2.0, 0.0, 2.0)]
    heard = [{0: HeardUtterance(0, "one two", 0.5)}, {0: HeardUtterance(0, "", None)}]
    results = comparing.results(
        sentences, [BASE, CUSTOM], heard, Wording("en-US"), report={"decision": "base"}, findings=["left"]
    )
    assert "kept the base" in results["words"][0]
    assert results["words"][-1] == "left"
    assert results["models"][1]["confidence"] is None
    assert b"no words" in picture.drawn(results, "a < b & c")


def test_an_artefact_is_needed_until_the_evaluation_is_over() -> None:
    model = _model()
    chosen = ChosenAudio(model.customization_id, held_out=False)
    models = [
        contenders.chosen(OWNER, {"model": model.base_model_name, "base_model_version": custom_models.LIGHT}),
        contenders.chosen(OWNER, {"acoustic_customization_id": model.customization_id}),
    ]
    key = layout.adapted_model_key(OWNER, model.customization_id, 1)
    assert not evaluations.needs(OWNER, key)
    material = Material(evaluations.COMPARISON, None, model.customization_id, chosen.to_json())
    row = evaluations.create(OWNER, "", material, models, None)
    assert evaluations.needs(OWNER, key)
    assert not evaluations.needs("somebody else", key)
    _due(row.evaluation_id)
    for piece in evaluations.pieces_left(evaluations.get(OWNER, row.evaluation_id)):
        _due(row.evaluation_id, piece)
    assert not evaluations.needs(OWNER, key)
