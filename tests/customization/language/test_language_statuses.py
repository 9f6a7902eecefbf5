"""The states of a custom language model: random histories, checked step by step against the contract's table."""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from chalicelib.customization import errors, language_models, runs
from chalicelib.customization.language import language_resources, language_training
from chalicelib.customization.language.language_resources import CORPUS, FoundWord, TextAnalysis
from chalicelib.storage.tables import LanguageModel

RUNNING = {"training", "upgrading"}
OLD, NEW = "en-US_BroadbandModel.v2018-07-31", "en-US_BroadbandModel.v2026-11-30"


@dataclass
class Expected:
    """The contract's table, said once more and more simply."""

    status: str = "pending"
    former: str = ""
    corpora: dict[str, str] = field(default_factory=dict)
    changed: bool = True
    run: int = 0
    serving: int | None = None
    versions: list[str] = field(default_factory=lambda: [OLD])

    @property
    def busy(self) -> bool:
        return self.status in RUNNING or "being_processed" in self.corpora.values()

    def settle(self) -> None:
        self.changed = True
        self.status = "ready" if "analyzed" in self.corpora.values() else "pending"


class History:
    """A model, and what it is expected to be; each step does the same to both."""

    def __init__(self, chance: random.Random) -> None:
        self.owner, self.chance, self.expected = str(uuid.uuid4()), chance, Expected()
        self.id = language_models.create(
            self.owner, name="m", base_model_name="en-US_BroadbandModel", base_model_version=OLD
        ).customization_id
        self.uploads: list[tuple[str, language_resources.Accepted]] = []

    @property
    def model(self) -> LanguageModel:
        return language_models.get(self.owner, self.id)

    def add(self) -> None:
        name, overwrite = self.chance.choice("ab"), self.chance.random() < 0.5

        def accept() -> language_resources.Accepted:
            return language_resources.accept(
                self.model, CORPUS, name, size_bytes=1, allow_overwrite=overwrite
            )

        if self.expected.busy:
            with pytest.raises(errors.ModelBusy):
                accept()
        elif name in self.expected.corpora and not overwrite:
            with pytest.raises(errors.ResourceExists):
                accept()
        else:
            accepted = accept()
            if self.chance.random() < 0.2:
                language_resources.withdraw(accepted)
                self.expected.settle()
            else:
                self.uploads.append((name, accepted))
                self.expected.corpora[name] = "being_processed"
                self.expected.status, self.expected.changed = "pending", True

    def end_analysis(self) -> None:
        """Of any upload there ever was: late and repeated events are among them."""
        for name, accepted in self.uploads[::-1]:
            valid = self.chance.random() < 0.8
            analysis = TextAnalysis(1, {"x": FoundWord(1, ())}) if valid else TextAnalysis(error="Line 1.")
            waiting = name == self.uploads[-1][0] and accepted is self.uploads[-1][1]
            waiting &= self.expected.corpora.get(name) == "being_processed"
            assert language_resources.analysis_finished(accepted.key, analysis) == waiting
            if waiting:
                self.expected.corpora[name] = "analyzed" if valid else "undetermined"
                self.expected.settle()

    def remove(self) -> None:
        name = self.chance.choice("ab")
        if self.expected.busy:
            with pytest.raises(errors.ModelBusy):
                language_resources.remove(self.model, CORPUS, name)
        elif name not in self.expected.corpora:
            with pytest.raises(errors.UnknownResource):
                language_resources.remove(self.model, CORPUS, name)
        else:
            language_resources.remove(self.model, CORPUS, name)
            del self.expected.corpora[name]
            self.expected.settle()

    def train(self) -> None:
        expected, strict = self.expected, self.chance.random() < 0.5
        statuses = list(expected.corpora.values())

        def begin() -> language_training.LanguageClaim:
            return language_training.begin_training(self.owner, self.id, strict=strict)

        if expected.busy:
            with pytest.raises(errors.ModelBusy):
                begin()
        elif "analyzed" not in statuses or (strict and "undetermined" in statuses):
            with pytest.raises(errors.TrainingRefused):
                begin()
            expected.status = "failed"
        elif expected.status == "available" and not expected.changed:
            with pytest.raises(errors.NothingModified):
                begin()
        else:
            assert len(begin().corpora) == statuses.count("undetermined")
            expected.former, expected.status, expected.run = expected.status, "training", expected.run + 1

    def upgrade(self) -> None:
        expected = self.expected

        def begin() -> language_training.LanguageClaim | None:
            return language_training.begin_upgrade(self.owner, self.id)

        if expected.busy:
            with pytest.raises(errors.ModelBusy):
                begin()
        elif (
            NEW in expected.versions or not expected.corpora or expected.status not in ("ready", "available")
        ):
            with pytest.raises(errors.UpgradeRefused):
                begin()
        elif expected.serving is None:
            assert begin() is None
            expected.versions.append(NEW)
        else:
            assert begin() is not None
            expected.former, expected.status, expected.run = expected.status, "upgrading", expected.run + 1

    def end_run(self) -> None:
        expected, run = self.expected, self.expected.run - self.chance.choice([0, 0, 0, 1])
        current = run == expected.run and expected.status in RUNNING
        match self.chance.choice(["succeed", "succeed", "fail", "cancel"]):
            case "succeed":
                model = runs.current(LanguageModel, self.owner, self.id, run)
                assert (model is not None) == current
                if model is not None:
                    assert language_training.succeeded(model, sha256="0" * 64, grammars=set())
                    expected.serving, expected.changed = run, False
                    if expected.status == "upgrading":
                        expected.versions.append(NEW)
                    upgraded = expected.status == "upgrading"
                    expected.status = expected.former if upgraded else "available"
            case "fail":
                assert runs.failed(LanguageModel, self.owner, self.id, run, "no reason") == current
                if current:
                    expected.status = expected.former if expected.status == "upgrading" else "failed"
            case "cancel" if expected.status in RUNNING:
                language_training.cancel(self.owner, self.id)
                # A model whose training was refused, or that was pending, is ready: it has valid data.
                expected.status = expected.former if expected.former != "pending" else "ready"

    def reset(self) -> None:
        if self.expected.busy:
            with pytest.raises(errors.ModelBusy):
                language_models.reset(self.owner, self.id)
        else:
            language_models.reset(self.owner, self.id)
            expected = self.expected
            expected.corpora, expected.status, expected.serving, expected.changed = {}, "pending", None, True

    def check(self) -> None:
        model, expected = self.model, self.expected
        assert model.status == expected.status
        assert bool(model.analysing) == ("being_processed" in expected.corpora.values())
        assert model.promoted_run == expected.serving
        assert list(model.versions) == expected.versions
        found = {row.name: row.status for row in language_resources.of_model(model)}
        assert found == expected.corpora


STEPS = [
    History.add,
    History.add,
    History.end_analysis,
    History.end_analysis,
    History.remove,
    History.train,
    History.train,
    History.upgrade,
    History.end_run,
    History.end_run,
    History.reset,
]


# Hypothesis chooses the seeds; drawn by itself, it would try short and uneventful histories.
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32))
def test_every_history_follows_the_table(account: None, seed: int) -> None:
    chance = random.Random(seed)
    history = History(chance)
    for _ in range(50):
        step = chance.choice(STEPS)
        note(step.__name__)
        step(history)
        history.check()
