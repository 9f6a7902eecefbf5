"""Training custom language models over HTTP, done by the event function as the queue announces it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from chalicelib import settings
from chalicelib.customization import language_models
from chalicelib.customization.language import language_training as rules
from chalicelib.engines import features
from chalicelib.engines.features import Features
from chalicelib.events import language_training, reconcile
from chalicelib.events.reconciling.happened import Happened
from chalicelib.language.artefact import read_artefact
from chalicelib.recognition.request import models
from chalicelib.recognition.request.options import Options
from chalicelib.storage import layout, objects, queues
from chalicelib.storage.tables import LanguageModel
from chalicelib.training import language_model
from tests.api.calling import NEW, OLD, Instance, assert_done, assert_error
from tests.api.customization.test_language_resources import ABNF, Language

NEURAL = "en-US_BroadbandModel.v2026-11-30"


@pytest.fixture
def language(instance: Instance) -> Language:
    return Language(instance)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Training as it is, on a base that need not be read."""

    def train(*_: object, target: Path, **__: object) -> None:
        target.write_bytes(b"a language model")

    monkeypatch.setattr("chalicelib.language.training.train", train)


def _row(language: Language) -> LanguageModel:
    return language_models.get(language.instance.owner, language.id)


def _event(language: Language, *, run: int | None = None, receives: int = 1) -> dict[str, Any]:
    event: dict[str, Any] = json.loads(
        (Path(__file__).parent.parent.parent / "events" / "language_training.json").read_text()
    )
    (record,) = event["Records"]
    row = _row(language)
    message = {"owner": row.owner, "id": row.customization_id, "run": run or int(row.run)}
    record["body"] = json.dumps(message)
    record["attributes"]["ApproximateReceiveCount"] = str(receives)
    return event


def _trained(language: Language, query: str = "") -> None:
    answer = language("POST", f"/train{query}")
    assert (answer.status, language.shown["status"]) == (200, "training")
    assert language_training.handle(_event(language), None) == {"batchItemFailures": []}
    assert (language.shown["status"], language.shown["progress"]) == ("available", 100)


def _promoted(language: Language, folder: Path) -> Any:
    row = _row(language)
    path = folder / "language-model.tar.gz"
    objects.download(layout.language_model_key(row.owner, row.customization_id, int(row.promoted_run)), path)
    return read_artefact(path)


def test_a_model_is_trained_on_everything_valid(language: Language, tmp_path: Path) -> None:
    language.add("menu", b"one Quuxly with milk\n" * 3)
    body = {"words": [{"word": "zorblax", "sounds_like": ["zor blacks"], "display_as": "Zorblax"}]}
    assert language("POST", "/words", body).status == 201
    language.analyse()
    assert (
        language("POST", "/grammars/orders", body=ABNF, headers={"Content-Type": "application/srgs"}).status
        == 201
    )
    language.analyse()
    assert language.shown["status"] == "ready"
    _trained(language, "?customization_weight=0.5")
    artefact = _promoted(language, tmp_path)
    assert (artefact.base_version, artefact.weight, list(artefact.grammars)) == (NEURAL, 0.5, ["orders"])
    assert {entry.word for entry in artefact.entries} == {"Quuxly", "zorblax"}
    row = _row(language)
    assert (row.customization_weight, row.trained_grammars) == (0.5, {"orders"})
    assert_error(
        language("POST", "/train?customization_weight=0.5"), 400, "No input data modified since last training"
    )
    assert language.shown["status"] == "available"
    assert_done(language("POST", "/train?word_type_to_add=user"))
    language_training.handle(_event(language), None)
    assert {entry.word for entry in _promoted(language, tmp_path).entries if entry.in_model} == {"zorblax"}
    assert_done(language("DELETE", "/corpora/menu"))
    assert language.shown["status"] == "ready"


def test_refusals(language: Language) -> None:
    assert_error(language("POST", "/train"), 400, "No input data available for training")
    assert language.shown["status"] == "failed"
    language.add("bad", b"\x00")
    language.add("good", b"tea")
    refused = language("POST", "/train")
    assert refused.status == 400
    assert "corpora: [bad]" in refused.json["error"]
    assert language.shown["status"] == "failed"
    warned = language("POST", "/train?strict=false").json["warnings"]
    assert warned == [
        {
            "code": "invalid_corpus_files",
            "message": "Analysis of the following corpora has not completed successfully: [bad]. "
            "They will be excluded from custom language model training.",
        }
    ]
    locked = f"Customization '{language.id}' is currently locked to process your last request."
    for call in (("POST", "/train"), ("POST", "/reset"), ("DELETE", "/corpora/good"), ("PUT", "/words/x")):
        assert_error(language(*call, {}), 409, locked)
    for query in ("customization_weight=1.5", "customization_weight=x", "word_type_to_add=mine"):
        assert language("POST", f"/train?{query}").status == 400


def test_a_refusal_names_some_of_many_invalid_words(language: Language) -> None:
    words = [{"word": f"zor{number:05d}" + "x" * 100, "sounds_like": ["zor 1"]} for number in range(30)]
    assert language("POST", "/words", {"words": words}).status == 201
    language.analyse()
    refused = language("POST", "/train")
    assert refused.status == 400
    assert "and 10 more] has not completed successfully" in refused.json["error"]
    assert language.shown["status"] == "failed"


def test_cancelling(language: Language) -> None:
    language.add("one", b"tea")
    assert language("DELETE", "/train").status == 409
    assert_done(language("POST", "/train"))
    event = _event(language)
    assert_done(language("DELETE", "/train"))
    assert language.shown["status"] == "ready"
    assert language_training.handle(event, None) == {"batchItemFailures": []}
    assert language.shown["status"] == "ready"


@pytest.mark.usefixtures("quick")
def test_a_cancelled_training_is_no_training(instance: Instance) -> None:
    """What it was to learn is neither taken for learned, nor learned by an upgrade."""
    language = Language(instance, base_model_version=OLD)
    language.add("one", b"tea")
    _trained(language)
    assert_done(language("POST", "/train?word_type_to_add=user"))
    assert_done(language("DELETE", "/train"))
    assert language.shown["status"] == "available"
    assert_error(language("POST", "/train"), 400, "No input data modified since last training")
    assert_done(language("POST", "/train?word_type_to_add=user"))
    assert_done(language("DELETE", "/train"))
    assert_done(language("POST", "/upgrade_model"))
    assert _row(language).run_words == "all"


@pytest.mark.usefixtures("quick")
def test_one_at_a_time_takes_a_run_up(language: Language) -> None:
    language.add("one", b"tea")
    assert_done(language("POST", "/train"))
    row = _row(language)
    assert rules.take_up(row.owner, row.customization_id, 1) is not None
    event = _event(language)
    # Whoever is at it may have died: the message comes back, but not for as long as a training may take.
    for receives, failures in ((1, 1), (3, 1), (4, 0)):
        event["Records"][0]["attributes"]["ApproximateReceiveCount"] = str(receives)
        assert len(language_training.handle(event, None)["batchItemFailures"]) == failures
    assert language.shown["status"] == "training"
    reconcile._look_after(_row(language), Happened(messages_lost=True, restarted=True))
    assert language_training.handle(_event(language), None) == {"batchItemFailures": []}
    assert language.shown["status"] == "available"


def test_what_breaks_off_is_taken_up_again_and_given_up_at_last(
    language: Language, monkeypatch: pytest.MonkeyPatch
) -> None:
    language.add("one", b"tea")
    assert_done(language("POST", "/train"))

    def broken(*_: object) -> bool:
        raise RuntimeError

    monkeypatch.setattr(language_model, "_trained", broken)
    for _ in range(language_model.MOST_ATTEMPTS):
        assert len(language_training.handle(_event(language), None)["batchItemFailures"]) == 1
        assert language.shown["status"] == "training"
    assert language_training.handle(_event(language), None) == {"batchItemFailures": []}
    shown = language.shown
    assert (shown["status"], shown["error"]) == ("failed", language_model.GIVEN_UP)


def test_a_lost_announcement_is_made_again(language: Language, monkeypatch: pytest.MonkeyPatch) -> None:
    language.add("one", b"tea")
    sent: list[Any] = []
    monkeypatch.setattr(queues, "send", lambda queue, message: sent.append((queue, message)))
    assert_done(language("POST", "/train"))
    row = _row(language)
    language_model.recover(row, datetime.now(UTC))
    assert len(sent) == 1, "somebody may still be about to take it up"
    language_model.recover(row, datetime.now(UTC) + timedelta(minutes=5))
    message = {"owner": row.owner, "id": row.customization_id, "run": 1}
    assert sent == [(settings.current().language_training_queue, message)] * 2


@pytest.mark.usefixtures("quick")
def test_upgrading(instance: Instance) -> None:
    fields = {"base_model_version": OLD}
    language = Language(instance, **fields)
    language.add("one", b"tea")
    assert_done(language("POST", "/upgrade_model"))
    assert language.shown["versions"] == [OLD, NEURAL]
    up_to_date = f"The custom language model is up-to-date: '{language.id}' is on {NEURAL}."
    assert_error(language("POST", "/upgrade_model"), 400, up_to_date)
    trained = Language(instance, **fields)
    assert trained("POST", "/upgrade_model").status == 400
    trained.add("one", b"tea")
    srgs = {"Content-Type": "application/srgs"}
    assert trained("POST", "/grammars/g", body=ABNF, headers=srgs).status == 201
    trained.analyse()
    _trained(trained)
    assert_done(trained("POST", "/upgrade_model"))
    assert trained.shown["status"] == "upgrading"
    language_training.handle(_event(trained), None)
    shown = trained.shown
    assert (shown["status"], shown["versions"]) == ("available", [OLD, NEURAL])
    assert _row(trained).promoted_version == NEURAL
    assert (_row(trained).grammars_on(OLD), _row(trained).grammars_on(NEURAL)) == ({"g"}, {"g"})
    assert_done(trained("DELETE", "/grammars/g"))
    _trained(trained)
    assert (_row(trained).grammars_on(OLD), _row(trained).grammars_on(NEURAL)) == ({"g"}, set())


@pytest.fixture
def neural(monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest base version, whose engine is another one: it has language models but cannot be adapted."""
    can = Features(language_models=True, grammars=True)
    monkeypatch.setitem(features.ENGINE_FEATURES, "whisper", can)


@pytest.mark.usefixtures("neural")
def test_a_language_model_is_shared_by_engines(instance: Instance, tmp_path: Path) -> None:
    language = Language(instance)
    language.add("menu", b"one Quuxly with milk\n" * 3)
    srgs = {"Content-Type": "application/srgs"}
    assert language("POST", "/grammars/g", body=ABNF, headers=srgs).status == 201
    language.analyse()
    _trained(language)
    artefact = _promoted(language, tmp_path)
    assert artefact.base_versions == (NEURAL, NEW)
    assert artefact.rendered("sphinx") is None
    row = _row(language)
    assert list(row.artefacts) == [NEURAL, NEW]
    assert row.grammars_on(NEURAL) == row.grammars_on(NEW) == {"g"}
    assert row.grammars_on(OLD) == set()
    assert not row.large_grammars
    alone = models.choose(instance.owner, Options(language_customization_id=language.id))
    assert (alone.base_version, alone.warnings) == (NEURAL, ())
    acoustic = instance.model()
    acoustic.row.update(
        actions=[
            type(acoustic.row).promoted_run.set(1),
            type(acoustic.row).promoted_version.set(NEW),
            type(acoustic.row).promoted_sha256.set("ab" * 32),
        ]
    )
    both = models.choose(
        instance.owner,
        Options(language_customization_id=language.id, acoustic_customization_id=acoustic.customization_id),
    )
    assert both.base_version == NEW
    assert both.language_model == alone.language_model
    assert_done(language("POST", "/reset"))
    assert _row(language).artefacts == {}


@pytest.mark.usefixtures("neural", "quick")
def test_a_large_grammar_is_recognised_by_the_engine_that_takes_it(instance: Instance) -> None:
    language = Language(instance)
    srgs = {"Content-Type": "application/srgs"}
    endless = b"#ABNF 1.0;\nroot $a;\n$a = (one | two | three) <1->;"
    assert language("POST", "/grammars/small", body=ABNF, headers=srgs).status == 201
    language.analyse()
    assert language("POST", "/grammars/endless", body=endless, headers=srgs).status == 201
    language.analyse()
    _trained(language)
    assert _row(language).large_grammars == {"endless"}
    for grammar, version in (("small", NEURAL), ("endless", NEW)):
        options = Options(language_customization_id=language.id, grammar_name=grammar)
        serving = models.choose(instance.owner, options)
        assert (serving.base_version, serving.warnings) == (version, ())
    assert_done(language("POST", "/reset"))
    assert not _row(language).large_grammars


@pytest.mark.usefixtures("neural")
def test_after_an_upgrade_the_newer_artefact_serves_both_engines(instance: Instance, quick: None) -> None:
    language = Language(instance, base_model_version=OLD)
    language.add("one", b"tea")
    language.analyse()
    _trained(language)
    assert list(_row(language).artefacts) == [OLD]
    assert_done(language("POST", "/upgrade_model"))
    language_training.handle(_event(language), None)
    artefacts = _row(language).artefacts
    assert list(artefacts) == [NEURAL, NEW, OLD]
    assert artefacts[NEURAL] == artefacts[NEW] != artefacts[OLD]
