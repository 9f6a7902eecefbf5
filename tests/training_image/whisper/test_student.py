"""A student learns, goes on exactly where it stopped, and survives values that are no numbers."""

from __future__ import annotations

import dataclasses
import random
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from chalicelib.engines.whisper.decoding.windows import decode
from chalicelib.engines.whisper.model.low_rank import Delta, delta_bytes
from chalicelib.engines.whisper.model.model_file import ModelFile, read_model
from chalicelib.engines.whisper.tokens import Tokens, read_tokens, read_vocabulary
from tests.engines.whisper.networks import embedded_folder
from training_image.speech import ordinary_speech
from training_image.whisper.course import Course
from training_image.whisper.lessons import AudioClip, BatchPlan, Lesson, Samples, batches

torch = pytest.importorskip("torch")
pytest.importorskip("peft")

from chalicelib.engines.whisper.mel import Window  # noqa: E402
from training_image.whisper.bases import base_of  # noqa: E402
from training_image.whisper.student import (  # noqa: E402
    Diverged,
    Student,
    TeachingBatch,
    batch,
    multiplies_in_16_bits,
)

COURSE = Course(rank=2, batch_s=14.0, longest_window_s=6.0)


@cache
def _base() -> tuple[ModelFile, Tokens]:
    return read_model(embedded_folder() / "model.bin"), read_tokens(embedded_folder())


@cache
def _plans() -> list[BatchPlan]:
    _, tokens = _base()
    spoken = [one for one, _ in zip(ordinary_speech.ordinary_speech("replay"), range(6), strict=False)]
    lessons = [Lesson(AudioClip(one.samples), tuple(tokens.encode(f" {one.written}"))) for one in spoken]
    return batches(lessons, longest_s=6.0, batch_s=14.0, window=Window(6.0, 2.0), choice=random.Random(1))


def _batches(course: Course = COURSE) -> list[TeachingBatch]:
    _, tokens = _base()
    return [batch(plan, [tokens.start, tokens.no_times], tokens.end, 80, course) for plan in _plans()]


def _student(course: Course = COURSE, steps: int = 8, cores: int = 1) -> Student:
    return Student(*_base(), course, steps, cores=cores)


@pytest.fixture(autouse=True)
def _threads() -> None:
    torch.set_num_threads(2)


def test_what_is_taught_is_learned() -> None:
    student = _student(dataclasses.replace(COURSE, rate=3e-3))
    lesson = _batches()[0]
    losses = [student.learn(lesson) for _ in range(8)]
    assert losses[-1] < 0.7 * losses[0]


def test_a_student_goes_on_bit_for_bit_where_it_stopped() -> None:
    lessons = _batches()
    whole = _student(cores=2)
    for place in range(4):
        whole.learn(lessons[place % len(lessons)])
    first = _student(cores=2)
    for place in range(2):
        first.learn(lessons[place % len(lessons)])
    saved = first.state()
    second = _student(cores=2)
    assert second.resume(saved)
    for place in range(2, 4):
        second.learn(lessons[place % len(lessons)])
    assert second.step == whole.step == 4
    assert delta_bytes("a" * 64, second.changes()) == delta_bytes("a" * 64, whole.changes())
    for name, value in whole.state().items():
        np.testing.assert_array_equal(second.state()[name], value, err_msg=name)


def test_memory_that_was_short_and_steps_that_failed_are_remembered() -> None:
    first, second = _student(), _student()
    first.parts = 4
    broken = dataclasses.replace(_batches()[0], mel=np.full_like(_batches()[0].mel, np.nan))
    for _ in range(3):
        first.learn(broken)
    assert second.resume(first.state())
    assert second.parts == 4
    second.learn(broken)
    with pytest.raises(Diverged):
        second.learn(broken)


def test_another_students_state_is_not_taken_up() -> None:
    student = _student()
    assert not student.resume(_student(dataclasses.replace(COURSE, rank=3)).state())
    assert not student.resume({})
    assert student.step == 0


@pytest.mark.parametrize("at_once", [False, True])
def test_a_batch_in_parts_teaches_the_same(at_once: bool) -> None:
    lesson = max(_batches(), key=lambda one: one.size)
    assert lesson.size > 1
    whole, parts = _student(), _student(cores=lesson.size if at_once else 1)
    parts.parts = 1 if at_once else lesson.size
    assert parts.learn(lesson) == pytest.approx(whole.learn(lesson), rel=1e-4)
    for name, value in whole.state().items():
        if name.startswith("exp_avg "):
            scale = max(float(np.abs(value).max()), 1e-9)
            np.testing.assert_allclose(parts.state()[name] / scale, value / scale, atol=0.02, err_msg=name)


def test_a_step_without_numbers_is_left_out_and_many_end_it() -> None:
    student = _student()
    sound, broken = _batches()[0], dataclasses.replace(_batches()[0])
    student.learn(sound)
    before = student.changes()
    broken = dataclasses.replace(sound, mel=np.full_like(sound.mel, np.nan))
    with pytest.raises(Diverged):
        for _ in range(20):
            student.learn(broken)
    for one, other in zip(before, student.changes(), strict=True):
        assert np.isfinite(other.up).all()
        np.testing.assert_array_equal(one.up, other.up)


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("flags\t\t: fpu avx512f avx512_bf16 avx512_vnni", True),
        ("flags\t\t: fpu amx_bf16", True),
        ("Features\t: fp asimd bf16 i8mm", True),
        ("flags\t\t: fpu avx2 avx512f", False),
    ],
)
def test_a_processor_says_whether_it_multiplies_in_16_bits(
    tmp_path: Path, flags: str, expected: bool
) -> None:
    (tmp_path / "cpuinfo").write_text(f"processor\t: 0\n{flags}\n")
    assert multiplies_in_16_bits(tmp_path / "cpuinfo") is expected


def test_a_machine_that_says_nothing_does_not(tmp_path: Path) -> None:
    assert not multiplies_in_16_bits(tmp_path / "cpuinfo")


def test_silence_teaches_that_nobody_speaks() -> None:
    _, tokens = _base()
    silent = Lesson(AudioClip(np.zeros(48_000, np.float32)), ())
    (plan,) = batches([silent], longest_s=6.0, batch_s=14.0, window=Window(6.0, 2.0), choice=random.Random(1))
    lesson = batch(plan, [tokens.start, tokens.no_times], tokens.end, 80, COURSE)
    vocabulary = read_vocabulary(embedded_folder())
    assert vocabulary[lesson.wanted[0, 0]] in ("<|nospeech|>", "<|nocaptions|>")
    assert lesson.wanted[0, 1] == tokens.end
    assert lesson.total == lesson.weights.sum()
    assert not lesson.speaks.any()


def test_silence_is_not_learned_of_speech() -> None:
    """Taught that noise is no speech, a network does not come to hear none in speech in that noise."""
    base = base_of(None, None)
    random_ = np.random.default_rng(1)

    def noisy(samples: Samples) -> Samples:
        return np.asarray(samples + random_.normal(0, 0.1, len(samples)), np.float32)

    spoken = [one for one, _ in zip(ordinary_speech.ordinary_speech("replay"), range(6), strict=False)]
    heard = [noisy(one.samples) for one in spoken]
    lessons = [
        Lesson(AudioClip(samples), tuple(base.tokens.encode(f" {one.written}")))
        for samples, one in zip(heard, spoken, strict=True)
    ]
    silent = [Lesson(AudioClip(noisy(np.zeros(48_000, np.float32))), ()) for _ in range(3)]
    plans = [
        plan
        for _ in range(4)
        for part in (lessons, silent)
        for plan in batches(part, longest_s=6.0, batch_s=40.0, window=base.window, choice=random.Random(1))
    ]
    student = Student(base.model(), base.tokens, COURSE, len(plans))
    for plan in plans:
        student.learn(batch(plan, base.prompt, base.tokens.end, student.bands, COURSE))

    def no_speech(change: Delta | None) -> tuple[float, float]:
        network = base.network(1, change)
        found = [
            decode(network, [samples])[0].no_speech
            for samples in (*heard, *(one.audio.samples() for one in silent))
        ]
        return float(np.mean(found[: len(heard)])), float(np.mean(found[len(heard) :]))

    before, after = no_speech(None), no_speech(base.delta(student.changes()))
    assert after[1] > 0.9, (before, after)
    assert after[0] <= before[0] + 0.02, (before, after)
