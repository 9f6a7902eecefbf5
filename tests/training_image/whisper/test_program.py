"""The training program on the network: it learns, survives kills bit for bit, and ends in time."""

from __future__ import annotations

import io
import shutil
import signal
import subprocess
import tarfile
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import soxr

pytest.importorskip("torch")
pytest.importorskip("peft")

from chalicelib.engines.protocol import CustomModels
from chalicelib.engines.whisper.engine import WhisperEngine
from chalicelib.engines.whisper.model.low_rank import Delta, parse_delta
from infra.local.demo.prompts import Prompt
from tests.audio.signals import wav
from tests.ports import free_port
from tests.training_image.sounds import hush
from tests.training_image.whisper.jobs import BASE, WITHIN_S, Job, Recording

pytestmark = pytest.mark.slow
SPOKEN_S = 55.0
LONG: dict[str, Any] = {"epochs": 40}
"""For jobs that must not have learned all before something happens to them."""


@pytest.fixture(scope="module")
def spoken(prompts: list[Prompt]) -> list[Prompt]:
    """A minute of telephone prompts."""
    chosen: list[Prompt] = []
    for prompt in prompts:
        if 2 <= prompt.duration_s <= 5 and sum(each.duration_s for each in chosen) < SPOKEN_S:
            chosen.append(prompt)
    return chosen


@pytest.fixture(scope="module")
def recordings(spoken: list[Prompt]) -> list[Recording]:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for prompt in spoken[2:]:
            archive.write(prompt.path, f"prompts/{prompt.path.name}")
    return [
        *(({"audio_name": prompt.name}, prompt.path.read_bytes()) for prompt in spoken[:2]),
        ({"audio_name": "packed", "kind": "archive", "content_type": "application/zip"}, packed.getvalue()),
        ({"audio_name": "silence"}, wav(hush(20, 8000), 8000)),
    ]


@pytest.fixture(scope="module")
def trained(
    tmp_path_factory: pytest.TempPathFactory, recordings: list[Recording]
) -> tuple[Job, list[dict[str, Any]]]:
    """A job that ran from start to end, and the progress that was seen."""
    job = Job(tmp_path_factory.mktemp("trained") / "ml", recordings)
    seen: list[dict[str, Any]] = []
    with job.start() as program:
        while program.poll() is None:
            if not seen or job.progress != seen[-1]:
                seen.append(job.progress)
            time.sleep(0.05)
    assert program.returncode == 0, job.log
    return job, seen


def test_the_report_says_what_was_learned_and_how_it_was_judged(
    trained: tuple[Job, list[dict[str, Any]]],
) -> None:
    report = trained[0].report
    assert report["decision"] == "adapted", report["reason"]
    assert report["alpha"] in (1, 0.75, 0.5, 0.25)
    assert [one["alpha"] for one in report["candidates"]][-1] == report["alpha"]
    assert [one["accepted"] for one in report["candidates"]][-1]
    before, after = (report["ordinary_speech"][one] for one in ("base", "chosen"))
    assert before["words"] == after["words"] > 100
    assert after["errors"] <= 1.01 * before["errors"]
    (learned,) = report["rounds"]
    assert learned["steps"] >= 2
    assert learned["kept"] <= learned["labels"]
    held_out = report["held_out"]
    assert held_out["utterances"] >= 2
    assert 0 <= held_out["changed"] <= held_out["utterances"]
    assert held_out["after"]["mean_posterior"] > held_out["before"]["mean_posterior"]
    assert 0 < report["used_s"] < report["speech_s"]
    assert report["transcribed_s"] == 0
    reasons = {entry["audio_name"]: entry["reason"] for entry in report["left_out"]}
    assert reasons["silence"] == "No speech was found."


def test_the_model_is_small_and_recognises(
    trained: tuple[Job, list[dict[str, Any]]], tmp_path: Path, prompt_named: dict[str, Prompt]
) -> None:
    job, _ = trained
    assert 10_000 < len(job.change) <= 4_000_000
    assert {path.name for path in (job.root / "model").iterdir()} == {
        "low-rank.safetensors",
        "manifest.json",
        "report.json",
    }
    with tarfile.open(tmp_path / "model.tar.gz", "w:gz") as archive:
        for file in (job.root / "model").iterdir():
            archive.add(file, file.name)
    samples, rate_hz = soundfile.read(prompt_named["conf-extended"].path, dtype="float32")
    recogniser = WhisperEngine().load(BASE, CustomModels(tmp_path / "model.tar.gz"))
    heard = recogniser.recognize(soxr.resample(samples, rate_hz, recogniser.sample_rate_hz))
    words = heard.hypotheses[0].text.split()
    assert "conference" in words


def test_progress_goes_up_and_names_what_is_done(trained: tuple[Job, list[dict[str, Any]]]) -> None:
    _, seen = trained
    published = [one["progress"] for one in seen]
    assert published == sorted(published)
    assert len(set(published)) > 10
    stages = list(dict.fromkeys(one["stage"] for one in seen))
    wanted = [
        "reading the audio, round 1 of 1",
        "hearing ordinary speech",
        "learning, round 1 of 1",
        "judging what was learned",
        "done",
    ]
    assert [stage for stage in stages if stage in wanted] == wanted
    while_learning = [one["seconds_left"] for one in seen if one["stage"].startswith("learning")]
    assert any(left_s is not None and left_s > 0 for left_s in while_learning)
    assert (seen[-1]["progress"], seen[-1]["seconds_left"]) == (100, 0)


def test_what_is_killed_goes_on_and_leaves_the_same_model_bit_for_bit(
    trained: tuple[Job, list[dict[str, Any]]], tmp_path: Path, recordings: list[Recording]
) -> None:
    job = Job(tmp_path / "ml", recordings)

    def kill_when(saved: str) -> None:
        published = job.progress["progress"]
        with job.fork() as program:
            job.wait(program, job.saved(saved).exists)
            program.kill()
        assert job.progress["progress"] >= published
        assert not (job.root / "output/failure").exists()

    kill_when("held-out")
    kill_when("reading-1-00000")
    kill_when("student-1")

    with job.fork() as program:
        job.wait(program, lambda: job.progress["stage"] == "judging what was learned")
        asked_s = time.monotonic()
        program.terminate()
        assert program.wait(60) == 143
    assert time.monotonic() - asked_s < 20
    assert not (job.root / "output/failure").exists()
    assert "learning goes on at step" in job.log
    assert job.whole_change == trained[0].whole_change
    kept = job.saved("judged-base").stat().st_mtime_ns

    # Half of a checkpoint is none: learning starts over, and nothing else does.
    student = job.saved("student-1")
    student.write_bytes(student.read_bytes()[: student.stat().st_size // 2])
    assert job.run() == 0, job.log
    assert "the checkpoint student-1 is damaged, and its part starts over" in job.log
    assert job.saved("judged-base").stat().st_mtime_ns == kept
    assert job.log.count("taking up an interrupted job") == 4
    for name in ("low-rank.safetensors", "manifest.json"):
        ours, theirs = (one.root / "model" / name for one in (job, trained[0]))
        assert ours.read_bytes() == theirs.read_bytes()


def _begin_with_what_was_heard(job: Job, before: Job) -> None:
    """Let a job learn at once: what it hears in the audio is what an earlier one of the same audio has heard."""
    for name in ("held-out", "reading-1-00000", "judged-base", "job-time"):
        shutil.copy(before.saved(name), job.saved(name))


def test_a_deadline_ends_in_the_best_model_so_far(
    trained: tuple[Job, list[dict[str, Any]]], tmp_path: Path, recordings: list[Recording]
) -> None:
    job = Job(tmp_path / "ml", recordings)
    _begin_with_what_was_heard(job, trained[0])
    with job.fork(LONG) as program:
        job.wait(program, lambda: job.steps_saved() > 2)
        program.kill()
    # All the time that is left now is for judging, however fast this machine is.
    job.configure("hyperparameters", cores="2", max_runtime_s="36000")
    assert job.run(LONG | {"reserved_share": 1.0}) == 0, job.log
    report = job.report
    (learned,) = report["rounds"]
    assert learned["steps"] > 2
    assert f"Learning ended after {learned['steps']} of " in report["reason"]
    assert "for the time that the training may take was over" in report["reason"]
    assert report["candidates"]
    assert job.whole_change != trained[0].whole_change


def test_a_deadline_before_anything_was_learned_keeps_the_base(
    trained: tuple[Job, list[dict[str, Any]]], tmp_path: Path, recordings: list[Recording]
) -> None:
    job = Job(tmp_path / "ml", recordings)
    _begin_with_what_was_heard(job, trained[0])
    job.configure("hyperparameters", cores="2", max_runtime_s="1")
    assert job.run() == 0, job.log
    assert (job.report["decision"], job.report["alpha"]) == ("base", 0)
    assert job.report["reason"].startswith("The base model is kept. Learning ended after 0 of ")


def test_two_hosts_learn_what_one_learns_and_the_first_writes(
    trained: tuple[Job, list[dict[str, Any]]], tmp_path: Path, recordings: list[Recording]
) -> None:
    hosts = ["127.0.0.1", "localhost"]  # two names of this machine, the first of which leads
    jobs = [Job(tmp_path / host, recordings) for host in hosts]
    port = str(free_port())
    programs = []
    for job, host in zip(jobs, hosts, strict=True):
        job.configure("hyperparameters", cores="1")
        job.configure("resourceconfig", current_host=host, hosts=hosts, network_interface_name="lo")
        programs.append(job.start(MASTER_PORT=port))
    try:
        assert [program.wait(WITHIN_S) for program in programs] == [0, 0], jobs[0].log + jobs[1].log
    finally:
        for program in programs:
            program.kill()
            program.wait()
    leading, following = jobs
    assert leading.report["decision"] == "adapted"
    assert _likeness(parse_delta(leading.whole_change), parse_delta(trained[0].whole_change)) > 0.999
    assert [path for path in following.root.rglob("*") if path.is_file() and _is_output(path)] == []


def _is_output(path: Path) -> bool:
    return not {"input"} & set(path.parts) and path.name != "log"


def _likeness(one: Delta, other: Delta) -> float:
    """Return the cosine between two changes of all weights, 1 where they are the same."""
    products = [
        np.concatenate(
            [(each.up.astype(np.float64) @ each.down.astype(np.float64)).ravel() for each in delta.changes]
        )
        for delta in (one, other)
    ]
    first, second = products
    return float(first @ second / np.sqrt((first @ first) * (second @ second)))


def test_a_host_that_is_lost_is_no_model(
    trained: tuple[Job, list[dict[str, Any]]], tmp_path: Path, recordings: list[Recording]
) -> None:
    """The one that is left does not wait for ever: its platform is told, and starts all of them anew."""
    hosts = ["127.0.0.1", "localhost"]
    jobs = [Job(tmp_path / host, recordings) for host in hosts]
    port = str(free_port())
    programs: list[subprocess.Popen[bytes]] = []
    for job, host in zip(jobs, hosts, strict=True):
        job.configure("hyperparameters", cores="1")
        job.configure("resourceconfig", current_host=host, hosts=hosts, network_interface_name="lo")
        _begin_with_what_was_heard(job, trained[0])
        programs.append(job.start(LONG, MASTER_PORT=port))
    try:
        jobs[0].wait(programs[0], jobs[0].saved("student-1").exists)
        programs[1].send_signal(signal.SIGTERM)
        assert programs[1].wait(60) != 0
        assert programs[0].wait(120) != 0
    finally:
        for program in programs:
            program.kill()
            program.wait()
    assert jobs[0].failure.startswith("One of the machines or processes that train together was lost.")
