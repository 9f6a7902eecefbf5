from __future__ import annotations

import pytest

from chalicelib.customization import acoustic_models, custom_models, uploads
from chalicelib.customization.acoustic import audio_resources
from chalicelib.storage import objects
from tests.custom_models import OWNER, add_audio, fresh, new
from tests.repeated_writes import write_twice


def test_a_creation_whose_first_answer_was_lost_succeeds(
    account: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(custom_models, "write", write_twice)
    model = new()
    assert [one.customization_id for one in acoustic_models.models(OWNER)] == [model.customization_id]


def test_a_removal_whose_first_answer_was_lost_succeeds(
    account: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = new()
    add_audio(model, "one")
    monkeypatch.setattr(uploads, "write", write_twice)
    audio_resources.remove(fresh(model), "one")
    assert audio_resources.of_model(fresh(model)) == []
    monkeypatch.setattr(custom_models, "write", write_twice)
    acoustic_models.delete(model.owner, model.customization_id)
    assert acoustic_models.find(model.owner, model.customization_id) is None
    assert list(objects.keys("audio/")) == []
