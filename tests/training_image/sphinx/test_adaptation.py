"""Adaptation on a little real speech: reproducible, taken up where it was killed, and never worse than the base."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile

from infra.local.demo.prompts import Prompt
from training_image.adaptation import Adaptation, Assignment
from training_image.checkpoint import Checkpoint
from training_image.container.machine import Machine
from training_image.speech.utterances import Utterance
from training_image.sphinx.adaptation import adapt

NARROWBAND = "en-US_NarrowbandModel.v2019-06-24"
RATE_HZ = 8_000


class Killed(Exception):
    """Stands for the kill of the job."""


def utterances_of(sounds: Sequence[np.ndarray], path: Path) -> list[Utterance]:
    """Write 16-bit sounds to a scratch file."""
    path.write_bytes(b"".join(sound.astype("<i2").tobytes() for sound in sounds))
    starts = np.cumsum([0, *(len(sound) for sound in sounds)])
    return [
        Utterance("a", None, start / RATE_HZ, (start + len(s)) / RATE_HZ, path, RATE_HZ, int(start), len(s))
        for start, s in zip(starts, sounds, strict=False)
    ]


@pytest.fixture(scope="module")
def speech(prompts: list[Prompt], tmp_path_factory: pytest.TempPathFactory) -> list[Utterance]:
    chosen = [prompt for prompt in prompts if 9 <= len(prompt.text.split()) <= 12][:12]
    sounds = [soundfile.read(prompt.path, dtype="int16")[0] for prompt in chosen]
    return utterances_of(sounds, tmp_path_factory.mktemp("scratch") / "speech.pcm")


class Job:
    """Adapts with a checkpoint of its own and notes the progress."""

    def __init__(self, folder: Path) -> None:
        self.checkpoint = Checkpoint(folder, "owner")
        self.fractions: list[float] = []
        self.stages: list[str] = []
        self.killed_at = 2.0

    def run(self, learned: Sequence[Utterance], judged: Sequence[Utterance]) -> Adaptation:
        return adapt(
            Assignment(
                learned,
                judged,
                base_version=NARROWBAND,
                machine=Machine(cores=2),
                checkpoint=self.checkpoint,
                report_progress=self._report,
            )
        )

    def _report(self, fraction: float, stage: str) -> None:
        self.fractions.append(fraction)
        self.stages.append(stage)
        if fraction >= self.killed_at:
            raise Killed


def _same(one: Adaptation, other: Adaptation) -> None:
    assert one.decision == other.decision
    assert one.rounds == other.rounds
    assert one.held_out == other.held_out
    assert one.files == other.files


@pytest.fixture(scope="module")
def whole(speech: list[Utterance], tmp_path_factory: pytest.TempPathFactory) -> tuple[Job, Adaptation]:
    job = Job(tmp_path_factory.mktemp("whole"))
    return job, job.run(*halves(speech))


def halves(speech: list[Utterance]) -> tuple[list[Utterance], list[Utterance]]:
    return speech[:9], speech[9:]


def test_an_adaptation_says_what_it_did(speech: list[Utterance], whole: tuple[Job, Adaptation]) -> None:
    job, result = whole
    learned, judged = halves(speech)
    assert job.fractions == sorted(job.fractions)
    assert job.fractions[0] < 0.5
    assert job.fractions[-1] == pytest.approx(1.0)
    assert result.held_out.utterances == len(judged)
    assert result.held_out.audio_s == pytest.approx(sum(each.duration_s for each in judged))
    assert result.held_out.changed is not None
    other_words = result.held_out.after.words != result.held_out.before.words
    assert other_words <= result.held_out.changed <= len(judged)
    assert [each.round for each in result.rounds] == list(range(1, len(result.rounds) + 1))
    assert 0 < result.used_s <= sum(each.duration_s for each in learned)
    assert result.reason.endswith(".")
    if result.decision == "base":
        assert result.files == {}
    else:
        with np.load(io.BytesIO(result.files["adapted.npz"]), allow_pickle=False) as arrays:
            assert arrays["means"].dtype == np.float32
        assert result.held_out.after.mean_posterior > result.held_out.before.mean_posterior


@pytest.mark.slow
def test_a_killed_adaptation_goes_on_and_ends_as_if_it_had_not_been(
    speech: list[Utterance], whole: tuple[Job, Adaptation], tmp_path: Path
) -> None:
    _, expected = whole
    job = Job(tmp_path)
    job.killed_at = 0.6
    with pytest.raises(Killed):
        job.run(*halves(speech))
    done = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert done
    job.killed_at = 2.0
    job.fractions.clear()
    _same(job.run(*halves(speech)), expected)
    assert job.fractions[-1] == pytest.approx(1.0)
    assert all(path.stat().st_mtime_ns == time_ns for path, time_ns in done.items())


def test_a_damaged_part_is_done_anew(speech: list[Utterance], whole: tuple[Job, Adaptation]) -> None:
    job, expected = whole
    damaged = sorted(job.checkpoint.folder.glob("round-1-*"))[0]
    damaged.write_bytes(damaged.read_bytes()[:-1])
    _same(job.run(*halves(speech)), expected)
    assert job.checkpoint.load(damaged.stem) is not None


@pytest.mark.parametrize("kind", ["silence", "noise", "tones"])
def test_sounds_that_are_not_speech_keep_the_base(kind: str, tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    time_s = np.arange(5 * RATE_HZ) / RATE_HZ
    sounds = [
        {
            "silence": np.zeros(5 * RATE_HZ),
            "noise": 3000 * random.standard_normal(5 * RATE_HZ),
            "tones": 8000 * np.sin(2 * np.pi * (300 + 200 * number) * time_s),
        }[kind].clip(-32768, 32767)
        for number in range(6)
    ]
    utterances = utterances_of(sounds, tmp_path / "sounds.pcm")
    result = Job(tmp_path / "checkpoints").run(utterances[:4], utterances[4:])
    assert result.decision == "base"
    assert result.files == {}
    assert "base model is kept" in result.reason
    assert result.rounds == ()
