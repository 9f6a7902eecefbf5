"""The program of the training container, run as SageMaker runs it, on real telephone speech."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import tarfile
import time
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chalicelib.engines.protocol import CustomModels
from chalicelib.engines.sphinx.engine import SphinxEngine
from infra.local.demo.prompts import Prompt
from tests.audio.signals import wav
from tests.training_image.sounds import hush, murmur, write

ROOT = Path(__file__).parents[2]
BASE = "en-US_NarrowbandModel.v2019-06-24"
COMMAND = (sys.executable, "-m", "training_image.train", "train")
SPOKEN_S = 55.0


@pytest.fixture(scope="module")
def prompts(prompts: list[Prompt]) -> list[Prompt]:
    """A minute of telephone prompts."""
    chosen: list[Prompt] = []
    for prompt in prompts:
        if 2 <= prompt.duration_s <= 5 and sum(each.duration_s for each in chosen) < SPOKEN_S:
            chosen.append(prompt)
    return chosen


def _lay_out(root: Path, audio: Sequence[tuple[dict[str, Any], bytes]], **changes: Any) -> Path:
    for folder in ("input/config", "checkpoints", "model", "output"):
        (root / folder).mkdir(parents=True)
    write(root / "input/config/resourceconfig.json", b'{"current_host": "algo-1", "hosts": ["algo-1"]}')
    write(root / "input/config/hyperparameters.json", b'{"cores": "2"}')
    entries = []
    for number, (entry, content) in enumerate(audio):
        file = f"audio-{number}/upload-1"
        write(root / "input/data/audio" / file, content)
        entries.append({"file": file, "kind": "audio", "content_type": "audio/wav"} | entry)
    plan = {
        "customization_id": "c1",
        "run": 1,
        "base_version": BASE,
        "engine": "sphinx",
        "recordings": entries,
    }
    write(root / "input/data/plan/plan.json", json.dumps(plan | changes).encode())
    return root


def _of_prompts(root: Path, prompts: list[Prompt]) -> Path:
    """Half of the prompts one by one, half in an archive, and two recordings that are of no use."""
    half = len(prompts) // 2
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for prompt in prompts[half:]:
            archive.write(prompt.path, f"prompts/{prompt.path.name}")
    return _lay_out(
        root,
        [
            *(({"audio_name": prompt.name}, prompt.path.read_bytes()) for prompt in prompts[:half]),
            (
                {"audio_name": "packed", "kind": "archive", "content_type": "application/zip"},
                packed.getvalue(),
            ),
            ({"audio_name": "silence"}, wav(hush(20, 8000), 8000)),
            ({"audio_name": "broken"}, b"RIFF but no more than that"),
        ],
    )


def _start(root: Path) -> subprocess.Popen[bytes]:
    environment = os.environ | {"ATTUNE_TRAINING_ROOT": str(root)}
    with (root / "log").open("ab") as log:
        return subprocess.Popen(COMMAND, cwd=ROOT, env=environment, stdout=log, stderr=log)


def _run(root: Path) -> int:
    with _start(root) as program:
        return program.wait(timeout=900)


def _read(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text())
    return document


def _wait(program: subprocess.Popen[bytes], condition: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + 600
    while not condition():
        assert program.poll() is None, f"the program ended with {program.returncode}"
        assert time.monotonic() < deadline_s
        time.sleep(0.02)


def _saved(root: Path) -> dict[str, int]:
    """Return when each finished piece of work was saved."""
    files = (root / "checkpoints").glob("*.ckpt")
    return {file.name: file.stat().st_mtime_ns for file in files if file.name != "job-time.ckpt"}


def _children(process: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, prompts: list[Prompt]) -> tuple[Path, list[float]]:
    """A job that ran from start to end, and the progress that was seen."""
    root = _of_prompts(tmp_path_factory.mktemp("trained") / "ml", prompts)
    seen: list[float] = []
    with _start(root) as program:
        while program.poll() is None:
            if (root / "checkpoints/progress.json").exists():
                seen.append(_read(root / "checkpoints/progress.json")["progress"])
            time.sleep(0.1)
    assert program.returncode == 0, (root / "log").read_text()
    return root, seen


def test_a_job_leaves_a_model_that_loads(trained: tuple[Path, list[float]], tmp_path: Path) -> None:
    root, _ = trained
    assert not (root / "output/failure").exists()
    assert not (root / "attune-scratch").exists()
    with tarfile.open(tmp_path / "model.tar.gz", "w:gz") as archive:
        for file in (root / "model").iterdir():
            archive.add(file, file.name)
    recognizer = SphinxEngine().load(BASE, CustomModels(tmp_path / "model.tar.gz"))
    assert recognizer.sample_rate_hz == 8000


def test_the_report_says_what_was_used_and_left_out_and_why(
    trained: tuple[Path, list[float]], prompts: list[Prompt]
) -> None:
    report = _read(trained[0] / "model/report.json")
    spoken_s = sum(prompt.duration_s for prompt in prompts)
    assert report["decision"] in ("adapted", "transform")
    assert report["base_version"] == BASE
    assert report["audio_s"] == pytest.approx(spoken_s + 20, abs=0.1)
    assert spoken_s / 2 < report["speech_s"] <= spoken_s
    assert 0 < report["used_s"] < spoken_s
    assert report["held_out"]["utterances"] >= len(prompts) // 5
    places = report["held_out_utterances"]
    assert len(places) == report["held_out"]["utterances"]
    lengths_s = sum(place["end_s"] - place["start_s"] for place in places)
    assert lengths_s == pytest.approx(report["held_out"]["audio_s"], abs=0.01)
    assert {place["member"] for place in places} - {None}, "those of archives are named with their member"
    assert report["held_out"]["after"]["mean_posterior"] > report["held_out"]["before"]["mean_posterior"]
    assert [entry["round"] for entry in report["rounds"]] == [1, 2, 3]
    assert report["cores"] == 2
    assert report["training_s"] > 1
    reasons = {entry["audio_name"]: entry["reason"] for entry in report["left_out"]}
    assert reasons["silence"] == "No speech was found."
    assert reasons["broken"]


def test_progress_goes_up_to_a_hundred(trained: tuple[Path, list[float]]) -> None:
    root, seen = trained
    assert seen == sorted(seen)
    assert len(set(seen)) > 5
    last = _read(root / "checkpoints/progress.json")
    assert (last["progress"], last["stage"], last["seconds_left"]) == (100, "done", 0)


@pytest.mark.slow
def test_an_interrupted_job_goes_on_and_gives_the_same_model(
    trained: tuple[Path, list[float]], tmp_path: Path, prompts: list[Prompt]
) -> None:
    root = _of_prompts(tmp_path / "ml", prompts)
    progress = root / "checkpoints/progress.json"

    with _start(root) as program:
        _wait(program, lambda: len(_saved(root)) >= 2)
        asked_s = time.monotonic()
        program.send_signal(signal.SIGTERM)
        assert program.wait(timeout=120) == 143
    assert time.monotonic() - asked_s < 60  # half of what the platform grants
    assert not (root / "output/failure").exists()
    assert not (root / "attune-scratch").exists()
    after_stop, published = _saved(root), _read(progress)["progress"]

    with _start(root) as program:
        _wait(program, lambda: any(name.startswith("round-2") for name in _saved(root)))
        workers = _children(program.pid)
        assert workers
        program.send_signal(signal.SIGKILL)
        program.wait()
    after_kill = _saved(root)
    assert after_stop.items() <= after_kill.items()
    assert _read(progress)["progress"] >= published
    published = _read(progress)["progress"]
    deadline_s = time.monotonic() + 300
    while any(Path(f"/proc/{worker}/cmdline").exists() for worker in workers if _is_alive(worker)):
        assert time.monotonic() < deadline_s, "workers outlive the job"
        time.sleep(0.05)
    assert not (root / "output/failure").exists()

    with _start(root) as program:
        while program.poll() is None:
            assert _read(progress)["progress"] >= published
            time.sleep(0.1)
    assert program.returncode == 0, (root / "log").read_text()
    # Nothing that was finished before was done again.
    assert after_kill.items() <= _saved(root).items()
    assert (root / "log").read_text().count("taking up an interrupted job") == 2
    for name in ("adapted.npz", "manifest.json"):
        assert (root / "model" / name).read_bytes() == (trained[0] / "model" / name).read_bytes()


def _is_alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.slow
def test_damaged_and_foreign_checkpoints_mean_starting_over(tmp_path: Path) -> None:
    calls = [({"audio_name": f"call-{seed}"}, wav(murmur(4, 8000, seed=seed), 8000)) for seed in range(2)]
    root = _lay_out(tmp_path / "ml", calls)
    for name in ("job-time.ckpt", "held-out-00000.ckpt", "progress.json"):
        write(root / "checkpoints" / name, b"\x00 not what it was")
    assert _run(root) == 0, (root / "log").read_text()
    assert "taking up" not in (root / "log").read_text()
    # A murmur has no words: nothing beats the base, and the model is the base itself.
    assert _read(root / "model/report.json")["decision"] == "base"
    assert _read(root / "model/manifest.json")["sha256"] == {}
    assert not (root / "model/adapted.npz").exists()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "too little to learn from: no speech in 0.3 minutes of audio from 1 audio resource"),
        ({"base_version": "xx-XX_Model.v1"}, "no base model 'xx-XX_Model.v1'"),
        ({"engine": "ctc"}, "is one of the engine 'sphinx', not of 'ctc'"),
        ({"recordings": []}, "recordings must be a list with at least one entry"),
        ({"base_weights": "bases/b/"}, "have not arrived from 'bases/b/'"),
    ],
)
def test_a_failure_tells_the_user_why(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    tone = np.sin(np.arange(20 * 8000) * 0.3).astype(np.float32)
    root = _lay_out(tmp_path / "ml", [({"audio_name": "tone"}, wav(tone, 8000))], **changes)
    assert _run(root) == 1
    failure = (root / "output/failure").read_text()
    assert words in failure
    assert len(failure) <= 1024
    assert "Traceback" not in failure
    assert str(root) not in failure
    assert "Traceback" in (root / "log").read_text()
    assert list((root / "model").iterdir()) == []


def test_an_engine_that_cannot_share_its_work_refuses_several_instances(tmp_path: Path) -> None:
    root = _lay_out(tmp_path / "ml", [({"audio_name": "silence"}, wav(hush(1, 8000), 8000))])
    resources = {"current_host": "algo-2", "hosts": ["algo-1", "algo-2"], "network_interface_name": "eth0"}
    write(root / "input/config/resourceconfig.json", json.dumps(resources).encode())
    assert _run(root) == 1
    assert "'sphinx' is adapted on one instance and was given 2" in (root / "output/failure").read_text()


def test_the_name_that_sagemaker_uses_starts_the_same_program(tmp_path: Path) -> None:
    environment = os.environ | {"PYTHON": sys.executable, "ATTUNE_TRAINING_ROOT": str(tmp_path)}
    program = subprocess.run(
        [ROOT / "training_image/train"], env=environment, check=False, capture_output=True
    )
    assert program.returncode == 1
    assert "has no plan" in (tmp_path / "output/failure").read_text()
