"""Texts that arrive in the bucket: in any order, more than once, too late."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.customization import language_models, uploads
from chalicelib.customization.language import custom_words, language_resources
from chalicelib.customization.language.language_resources import CORPUS
from chalicelib.events import corpus_added, reconcile
from chalicelib.events.delivery import messages
from chalicelib.events.reconciling.happened import Happened
from chalicelib.storage import objects
from chalicelib.storage.layout import LanguageKey
from chalicelib.storage.tables import LanguageModel, LanguageResource, UserWord
from tests.custom_models import OWNER
from tests.events import recorded

LATE = timedelta(minutes=5)


@pytest.fixture
def model() -> LanguageModel:
    return language_models.create(OWNER, name="menu", base_model_name="en-US_BroadbandModel")


def _fresh(model: LanguageModel) -> LanguageModel:
    return language_models.get(model.owner, model.customization_id)


def _add(
    model: LanguageModel, text: bytes | None = b"one quuxly", *, overwrite: bool = False
) -> language_resources.Accepted:
    accepted = language_resources.accept(
        _fresh(model), CORPUS, "menu", size_bytes=10, allow_overwrite=overwrite
    )
    if text is not None:
        objects.put(accepted.key.key, text)
        language_resources.stored(accepted)
    return accepted


def _handled(key: Any, **options: Any) -> list[str]:
    event = recorded.again(recorded.load("corpus_added", audio=key, **options))
    return recorded.failed(corpus_added.handle(event, None))


def _corpus(model: LanguageModel) -> LanguageResource:
    return language_resources.get(_fresh(model), CORPUS, "menu")


def test_a_repetition_changes_nothing(model: LanguageModel) -> None:
    key = _add(model).key
    event = recorded.load("corpus_added", audio=key)
    assert recorded.failed(corpus_added.handle(event, None)) == []
    row, corpus = _fresh(model).attribute_values, _corpus(model).attribute_values
    assert (row["status"], corpus["out_of_vocabulary_words"]) == ("ready", 1)
    for repeated in (event, recorded.again(event)):
        assert recorded.failed(corpus_added.handle(repeated, None)) == []
    assert _fresh(model).attribute_values == row
    assert _corpus(model).attribute_values == corpus


def test_an_overwritten_upload_is_stale(model: LanguageModel) -> None:
    first = _add(model).key
    assert _handled(first) == []
    second = _add(model, b"tea and coffee", overwrite=True).key
    objects.put(first.key, b"comes late")
    assert _handled(first) == []
    assert not objects.exists(first.key)
    assert _corpus(model).status == "being_processed"
    assert _handled(second) == []
    assert (_corpus(model).total_words, _corpus(model).out_of_vocabulary_words) == (3, 0)


def test_an_event_before_the_row_comes_again(model: LanguageModel) -> None:
    key = LanguageKey(model.owner, model.customization_id, "0" * 32, "1" * 32)
    objects.put(key.key, b"tea")
    assert len(_handled(key)) == 1
    assert _handled(key, at=datetime.now(UTC) - LATE) == []
    assert not objects.exists(key.key), "nobody is going to write that row any more"


def test_a_text_of_a_deleted_model_goes(model: LanguageModel) -> None:
    key = _add(model).key
    assert _handled(key) == []
    language_models.delete(model.owner, model.customization_id)
    objects.put(key.key, b"tea")
    assert _handled(key) == []
    assert list(objects.keys("")) == []


def test_a_lost_announcement_is_made_again(model: LanguageModel, monkeypatch: pytest.MonkeyPatch) -> None:
    key = _add(model).key
    sent: list[str] = []
    monkeypatch.setattr(messages.client(), "send_message", lambda **sending: sent.append(sending["QueueUrl"]))
    reconcile._look_after(_fresh(model), Happened(messages_lost=True, restarted=True))
    assert [url.rpartition("/")[2] for url in sent] == ["attune-corpus-added"]
    assert _handled(key) == []
    assert _fresh(model).status == "ready"


def test_what_never_arrived_is_given_up(model: LanguageModel) -> None:
    _add(model, None)
    reconcile._look_after(_fresh(model), Happened(messages_lost=True, restarted=True))
    assert reconcile.TEXT_NEVER_ARRIVED in _corpus(model).error
    accepted = language_resources.accept_words(_fresh(model), size_bytes=10)
    assert uploads.being_analysed(language_resources.KIND, accepted.key) is not None
    reconcile._look_after(_fresh(model), Happened(messages_lost=True, restarted=True))
    row = _fresh(model)
    assert (row.status, row.error) == ("pending", reconcile.WORDS_NEVER_ARRIVED)
    assert not row.analysing


def test_a_second_attempt_leaves_what_its_user_has_changed_since(
    model: LanguageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    accepted = language_resources.accept_words(_fresh(model), size_bytes=10)
    words = [custom_words.NewWord("zorba"), custom_words.NewWord("quuxly")]
    objects.put(accepted.key.key, custom_words.batch_of(words))
    row_of = custom_words.row_of

    def overtaken(*arguments: Any) -> UserWord:
        monkeypatch.undo()
        assert corpus_added._put_in(accepted.key, _fresh(model), accepted.row) is None
        assert language_resources.words_finished(accepted.key)
        custom_words.put(_fresh(model), custom_words.NewWord("zorba", ("tsor ba",)))
        custom_words.remove(_fresh(model), "quuxly")
        return row_of(*arguments)

    monkeypatch.setattr(custom_words, "row_of", overtaken)
    assert corpus_added._put_in(accepted.key, _fresh(model), accepted.row) is None
    assert {word.word: word.sounds_like for word in custom_words.of_model(_fresh(model)).values()} == {
        "zorba": ["tsor ba"]
    }


def test_a_corpus_for_an_engine_that_is_missing_says_what_is_missing(
    request: pytest.FixtureRequest,
) -> None:
    model = language_models.create(
        OWNER,
        name="menu",
        base_model_name="en-US_BroadbandModel",
        base_model_version="en-US_BroadbandModel.v2020-01-16",
    )
    key = _add(model).key
    request.getfixturevalue("without_sphinx")
    assert _handled(key) == []
    corpus = _corpus(model)
    assert corpus.status == language_resources.UNDETERMINED
    assert "this installation does without its engine 'sphinx'" in str(corpus.error)
