"""The custom words that a user has added: gone with their model, however many they are."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.customization import custom_models, labelled, language_models
from chalicelib.customization.custom_models import Until, now
from chalicelib.customization.language import custom_words, language_resources, language_words
from chalicelib.events.reconciling import orphans
from chalicelib.storage import objects
from chalicelib.storage.conditional import Change, write
from chalicelib.storage.tables import LanguageModel, UserWord

MANY = 230  # more than two transactions, or nine batches, take


@pytest.fixture
def model(account: None) -> LanguageModel:
    return language_models.create(str(uuid.uuid4()), name="m", base_model_name="en-US_BroadbandModel")


def fresh(model: LanguageModel) -> LanguageModel:
    return language_models.get(model.owner, model.customization_id)


def add(model: LanguageModel, *words: str) -> None:
    """Put rows in as a batch does; the first word through the API's own way, which moves the model."""
    custom_words.put(model, custom_words.NewWord(words[0]))
    with UserWord.batch_write() as batch:
        for word in words[1:]:
            row = UserWord(model.customization_id, word, owner=model.owner, generation=int(model.generation))
            row.created = row.updated = now()
            batch.save(row)


def rows(model: LanguageModel) -> list[str]:
    return [row.word for row in UserWord.query(model.customization_id, consistent_read=True)]


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
    stale = list(UserWord.query(model.customization_id, consistent_read=True))
    add(fresh(model), "quux")
    monkeypatch.setattr(UserWord, "query", lambda *_, **__: iter(stale))
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


def label(model: LanguageModel, *words: str) -> None:
    for row in UserWord.query(model.customization_id, consistent_read=True):
        if row.word in words:
            row.update(actions=[UserWord.customer_id.set("mine")])


def erase(model: LanguageModel) -> bool:
    return labelled.erase_words(model.owner, "mine", now())


def test_many_labelled_words_go_in_few_requests(
    model: LanguageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = [f"zor{number}" for number in range(MANY)]
    add(model, *words)
    label(model, *words[:-1])
    assert fresh(model).status == "ready"
    together: list[int] = []

    def counted(*changes: Change) -> None:
        together.append(len(changes))
        write(*changes)

    monkeypatch.setattr(custom_words, "write", counted)
    assert erase(model)
    assert together == [100, 100, 32]
    assert rows(model) == words[-1:]
    assert fresh(model).status == "ready"
    label(model, words[-1])
    assert erase(model)
    assert (rows(model), fresh(model).status) == ([], "pending")


def test_one_call_takes_a_bounded_number(model: LanguageModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labelled, "_WORDS_AT_ONCE", 2)
    add(model, "one", "two", "three")
    label(model, "one", "two", "three")
    assert not erase(model)
    assert (len(rows(model)), fresh(model).status) == (1, "ready")
    assert erase(model)
    assert (rows(model), fresh(model).status) == ([], "pending")


def test_a_labelled_word_of_a_corpus_stays_unwanted_without_its_label(model: LanguageModel) -> None:
    corpus = language_resources.accept(
        model, language_resources.CORPUS, "menu", size_bytes=1, allow_overwrite=False
    )
    objects.put(corpus.key.key, b"quux")
    oov = {"quux": language_resources.FoundWord(1, ("K W AH K S",))}
    language_resources.store_words(corpus.key, oov)
    assert language_resources.analysis_finished(
        corpus.key, language_resources.TextAnalysis(total_words=1, oov=oov)
    )
    add(fresh(model), "quux")
    label(model, "quux")
    assert erase(model)
    (row,) = UserWord.query(model.customization_id, consistent_read=True)
    assert (row.word, row.deleted) == ("quux", True)
    assert row.attribute_values.get("customer_id") is None
    assert custom_words.of_model(fresh(model)) == {}
