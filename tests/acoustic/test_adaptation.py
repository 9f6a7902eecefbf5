"""A few minutes of real telephone speech without transcripts make recognition of other speech clearly better."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile

from chalicelib.engines.protocol import CustomModels
from chalicelib.engines.sphinx.engine import SphinxEngine
from infra.local.demo.prompts import Prompt
from infra.local.demo.scoring import WordErrorRate, word_error_rate
from tests import adapted_models
from training_image.adaptation import Adaptation, Assignment
from training_image.checkpoint import Checkpoint
from training_image.container.machine import Machine
from training_image.speech.utterances import Utterance
from training_image.sphinx.adaptation import adapt

NARROWBAND = "en-US_NarrowbandModel.v2019-06-24"
LEARNED_S, JUDGED_S, TESTED_S = 120.0, 35.0, 70.0
LONGEST_S = 10.0
"""So that no single prompt is most of a part."""
MOST_OF_THE_BASE = 0.75
"""The adapted model makes at most this share of the base's errors."""


@pytest.fixture(scope="module")
def parts(prompts: list[Prompt]) -> list[list[Prompt]]:
    """Three parts of the prompts: to learn from, to judge by, and to test with."""
    sentences = [
        prompt for prompt in prompts if len(prompt.text.split()) >= 4 and prompt.duration_s <= LONGEST_S
    ]
    shuffled = iter([sentences[place] for place in np.random.default_rng(11).permutation(len(sentences))])
    parts = []
    for wanted_s in (LEARNED_S, JUDGED_S, TESTED_S):
        part: list[Prompt] = []
        while sum(prompt.duration_s for prompt in part) < wanted_s:
            part.append(next(shuffled))
        parts.append(part)
    return parts


def _utterances(prompts: Sequence[Prompt], folder: Path) -> list[Utterance]:
    utterances = []
    for number, prompt in enumerate(prompts):
        samples, rate_hz = soundfile.read(prompt.path, dtype="int16")
        path = folder / f"{number}.pcm"
        path.write_bytes(samples.astype("<i2").tobytes())
        utterances.append(
            Utterance(prompt.name, None, 0.0, prompt.duration_s, path, rate_hz, 0, len(samples))
        )
    return utterances


def _adapted(parts: list[list[Prompt]], folder: Path) -> Adaptation:
    learned, judged = folder / "learned", folder / "judged"
    learned.mkdir()
    judged.mkdir()
    assignment = Assignment(
        _utterances(parts[0], learned),
        _utterances(parts[1], judged),
        base_version=NARROWBAND,
        machine=Machine(cores=2),
        checkpoint=Checkpoint(folder / "checkpoints", "acoustic test"),
        report_progress=lambda fraction, stage: None,
    )
    return adapt(assignment)


def _artefact(result: Adaptation, path: Path) -> Path:
    assert result.files
    members = adapted_models.members(NARROWBAND, result.files)
    return adapted_models.written(path, adapted_models.packed(members))


def _error_rate(prompts: Sequence[Prompt], model: Path | None) -> WordErrorRate:
    recognizer = SphinxEngine().load(NARROWBAND, CustomModels(model))
    hypotheses = []
    for prompt in prompts:
        samples, _ = soundfile.read(prompt.path, dtype="float32")
        readings = recognizer.recognize(samples).hypotheses
        hypotheses.append(readings[0].text if readings else "")
    return word_error_rate([prompt.text for prompt in prompts], hypotheses)


@pytest.mark.slow
def test_minutes_of_speech_without_transcripts_lower_the_error_rate(
    parts: list[list[Prompt]], tmp_path: Path
) -> None:
    result = _adapted(parts, tmp_path)
    assert result.decision == "adapted", result.reason
    base = _error_rate(parts[2], None)
    adapted = _error_rate(parts[2], _artefact(result, tmp_path / "model.tar.gz"))
    assert adapted.rate <= MOST_OF_THE_BASE * base.rate, f"{base} before, {adapted} after adaptation"
