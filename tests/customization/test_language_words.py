"""The custom words that a user has added: gone with their model, however many they are."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.customization import custom_models, custom_words, language_models, language_words
from chalicelib.customization.custom_models import Until, now
from chalicelib.events import orphans
from chalicelib.storage import objects
from chalicelib.storage.tables import LanguageModel, Word

MANY = 230  # more than two transactions, or nine batches, take


@pytest.fixture
def model(account: None) -> LanguageModel:
    return language_models.create(str(uuid.uuid4()), name="m", base_model_name="en-US_BroadbandModel")


def fresh(model: LanguageModel) -> LanguageModel:
    return language_models.get(model.owner, model.customization_id)


def add(model: LanguageModel, *words: str) -> None:
    """Put rows in as a batch does; the first word through the API's own way, which moves the model."""
    custom_words.put(model, custom_words.NewWord(words[0]))
    with Word.batch_write() as batch:
        for word in words[1:]:
            row = Word(model.customization_id, word, owner=model.owner, generation=int(model.generation))
            row.created = row.updated = now()
            batch.save(row)


def rows(model: LanguageModel) -> list[str]:
    return [row.word for row in Word.query(model.customization_id, consistent_read=True)]


def test_many_words_go_with_their_model(model: LanguageModel) -> None:
    add(model, *(f"zor{number}" for number in range(MANY)))
    assert len(rows(model)) == MANY
    language_models.delete(model.owner, model.customization_id)
    assert rows(model) == []
    assert [key for key in objects.keys("") if model.owner in key] == []


def test_a_reset_takes_many_words_away_and_spares_what_comes_after(model: LanguageModel) -> None:
    add(model, *(f"zor{number}" for number in range(MANY)))
    language_models.reset(model.owner, model.customization_id)
    assert rows(model) == []
    add(fresh(model), *(f"zor{number}" for number in range(3)))
    custom_models.clear_away(model.owner, model.customization_id, Until(generation=0, run=0))
    assert sorted(language_words.of_user(fresh(model))) == ["zor0", "zor1", "zor2"]


def test_a_word_that_comes_again_during_a_reset_stays(
    model: LanguageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(model, "zorblatt", "quux", "blick")
    clear_away = custom_models.clear_away
    monkeypatch.setattr(custom_models, "clear_away", lambda *_: None)
    language_models.reset(model.owner, model.customization_id)
    stale = list(Word.query(model.customization_id, consistent_read=True))
    add(fresh(model), "quux")
    monkeypatch.setattr(Word, "query", lambda *_, **__: iter(stale))
    clear_away(model.owner, model.customization_id, Until(generation=0, run=0))
    monkeypatch.undo()
    assert rows(model) == ["quux"]


def test_a_deletion_that_was_broken_off_is_finished(
    model: LanguageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(model, "zorblatt", "quux")

    class Killed(BaseException):
        pass

    def killed(*_: object) -> None:
        raise Killed

    monkeypatch.setattr(custom_models, "_remove_words", killed)
    with pytest.raises(Killed):
        language_models.delete(model.owner, model.customization_id)
    monkeypatch.undo()
    assert rows(model) == ["quux", "zorblatt"]
    orphans.clear_away(datetime.now(UTC) + timedelta(hours=3))
    assert rows(model) == []
    assert [key for key in objects.keys("") if model.owner in key] == []
