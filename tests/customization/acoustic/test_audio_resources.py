"""Audio of a model beyond its statuses: replacing, withdrawing, resets, and what is left in the bucket."""

from __future__ import annotations

import json
import uuid

import pytest

from chalicelib.customization import acoustic_models, custom_models, errors, uploads
from chalicelib.customization.acoustic import audio_resources
from chalicelib.customization.acoustic.audio_resources import Accepted, AudioAnalysis, key_of
from chalicelib.storage import layout, objects
from chalicelib.storage.tables import AcousticModel, AudioResource


@pytest.fixture
def model(account: None) -> AcousticModel:
    return acoustic_models.create(str(uuid.uuid4()), name="m", base_model_name="en-US_BroadbandModel")


def fresh(model: AcousticModel) -> AcousticModel:
    return acoustic_models.get(model.owner, model.customization_id)


def upload(model: AcousticModel, name: str, *, overwrite: bool = False) -> Accepted:
    accepted = audio_resources.accept(
        fresh(model),
        name,
        kind="archive",
        content_type="application/zip",
        size_bytes=4,
        contained_content_type="audio/l16;rate=8000",
        customer_id="someone",
        allow_overwrite=overwrite,
    )
    objects.put(accepted.key.key, b"data")
    audio_resources.stored(accepted)
    return accepted


def finish(accepted: Accepted, **found: object) -> bool:
    audio = accepted.row
    analysis = AudioAnalysis(**{"valid": True, "details_type": "archive", "duration_s": 60.0, **found})  # type: ignore[arg-type]
    return audio_resources.analysis_finished(
        audio.owner, audio.customization_id, audio.audio_id, audio.upload_id, analysis
    )


def test_what_was_sent_and_found_is_kept(model: AcousticModel) -> None:
    finish(upload(model, "a/b ü"), compression="zip", speech_s=41.5)
    audio = audio_resources.get(fresh(model), "a/b ü")
    assert (audio.kind, audio.content_type, audio.contained_content_type) == (
        "archive",
        "application/zip",
        "audio/l16;rate=8000",
    )
    assert (audio.customer_id, audio.size_bytes) == ("someone", 4)
    assert (audio.duration_s, audio.speech_s) == (60.0, 41.5)
    assert audio.compression == "zip"
    assert not audio.codec


def test_an_error_of_a_replaced_resource_is_forgotten(model: AcousticModel) -> None:
    finish(upload(model, "a"), valid=False, error="damaged")
    assert audio_resources.get(fresh(model), "a").error == "damaged"
    finish(upload(model, "a", overwrite=True))
    assert audio_resources.get(fresh(model), "a").error is None


def test_replacing_removes_what_was_there(model: AcousticModel) -> None:
    first = upload(model, "a")
    finish(first)
    objects.put(first.key.listing_key, b"{}")
    second = upload(model, "a", overwrite=True)
    assert not objects.exists(first.key.key)
    assert not objects.exists(first.key.listing_key)
    assert objects.exists(second.key.key)
    assert not finish(first), "the analysis of the replaced upload is stale"
    assert fresh(model).status == "pending"


def test_a_withdrawn_replacement_brings_back_what_was_there(model: AcousticModel) -> None:
    first = upload(model, "a")
    finish(first)
    replacement = audio_resources.accept(
        fresh(model), "a", kind="audio", content_type=None, size_bytes=1, allow_overwrite=True
    )
    objects.put(replacement.key.key, b"half")
    audio_resources.withdraw(replacement)
    (audio,) = audio_resources.of_model(fresh(model))
    assert (audio.upload_id, audio.status) == (first.row.upload_id, "ok")
    assert fresh(model).status == "ready"
    assert objects.exists(key_of(audio).key)
    assert not objects.exists(replacement.key.key)


def test_a_late_analysis_does_not_bring_withdrawn_audio_back(model: AcousticModel) -> None:
    accepted = upload(model, "a")
    audio_resources.withdraw(accepted)
    assert not finish(accepted)
    assert audio_resources.of_model(fresh(model)) == []
    assert fresh(model).status == "pending"


def test_members_are_those_of_the_listing(model: AcousticModel) -> None:
    accepted = upload(model, "a")
    assert audio_resources.listing(accepted.row).members == ()
    members = [{"name": "x/y.wav", "status": "ok"}]
    objects.put(accepted.key.listing_key, json.dumps({"members": members}).encode())
    assert audio_resources.listing(accepted.row).members == members


@pytest.mark.parametrize("name", ["", "  ", "n" * 129])
def test_names_have_one_to_128_characters(model: AcousticModel, name: str) -> None:
    with pytest.raises(errors.BadName):
        audio_resources.check_acceptable(model, name, allow_overwrite=False)
    audio_resources.check_acceptable(model, "n" * 128, allow_overwrite=False)


def test_a_reset_hides_audio_at_once_and_frees_its_name(
    model: AcousticModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even if the service is killed before anything could be cleared away."""
    accepted = upload(model, "a")
    finish(accepted)
    monkeypatch.setattr(custom_models, "clear_away", lambda *_: None)
    acoustic_models.reset(model.owner, model.customization_id)
    assert audio_resources.of_model(fresh(model)) == []
    with pytest.raises(errors.UnknownResource):
        audio_resources.get(fresh(model), "a")
    anew = upload(model, "a")
    assert anew.replaced is None
    assert finish(anew)
    assert [audio.upload_id for audio in audio_resources.of_model(fresh(model))] == [anew.row.upload_id]


def test_clearing_away_after_a_reset_spares_what_came_after(model: AcousticModel) -> None:
    old = upload(model, "a")
    finish(old)
    acoustic_models.reset(model.owner, model.customization_id)
    new = upload(model, "b")
    custom_models.clear_away(model.owner, model.customization_id, custom_models.Until(generation=0, run=0))
    assert not objects.exists(old.key.key)
    assert objects.exists(new.key.key)
    assert [audio.audio_name for audio in audio_resources.of_model(fresh(model))] == ["b"]


def test_a_deleted_model_leaves_nothing(model: AcousticModel) -> None:
    finish(upload(model, "a"))
    for prefix in ("training", "models"):
        objects.put(f"{prefix}/{model.owner}/{model.customization_id}/000001/x", b"")
    acoustic_models.delete(model.owner, model.customization_id)
    for prefix in layout.prefixes_of_model(model.owner, model.customization_id):
        assert list(objects.keys(prefix)) == []
    assert list(AudioResource.query(model.customization_id)) == []
    with pytest.raises(errors.UnknownCustomModel):
        fresh(model)


def test_what_was_analysed_before_its_storing_failed_stays(model: AcousticModel) -> None:
    """The store may have an object although its answer was lost."""
    former = upload(model, "a")
    finish(former)
    accepted = upload(model, "a", overwrite=True)
    with pytest.raises(ConnectionError), uploads.storing(audio_resources.KIND, accepted) as key:
        objects.put(key.key, b"RIFF")
        assert finish(accepted)
        raise ConnectionError
    assert objects.exists(accepted.key.key)
    assert not objects.exists(former.key.key)
    audio = audio_resources.get(fresh(model), "a")
    assert (audio.upload_id, audio.status) == (accepted.row.upload_id, "ok")
