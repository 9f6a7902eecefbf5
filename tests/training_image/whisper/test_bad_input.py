"""What cannot be trained on the network ends in a line that says why, or in a base that is kept."""

from __future__ import annotations

import dataclasses
import io
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

pytest.importorskip("torch")
pytest.importorskip("peft")

from chalicelib.engines.base_language import base_language
from chalicelib.engines.whisper.model.model_file import Arrays, ModelFile
from chalicelib.language.training import train
from infra.local.demo.prompts import Prompt
from tests.audio.signals import tone, wav
from tests.engines.whisper.networks import multilingual_network, write_multilingual
from tests.training_image.sounds import murmur
from tests.training_image.whisper.jobs import WITHIN_S, Job, Recording

pytestmark = pytest.mark.slow
LIGHT = "en-US_NarrowbandModel.v2019-06-24"
STAGED = {
    "base_version": "de-DE_NarrowbandModel.random",
    "base_weights": "bases/random/",
    "rate_hz": 8000,
    "least_rate_hz": 8000,
    "language": "de",
}


@pytest.fixture(scope="module")
def recordings(prompts: list[Prompt]) -> list[Recording]:
    """Half a minute of telephone prompts."""
    chosen = [prompt for prompt in prompts if 2 <= prompt.duration_s <= 5][:10]
    return [({"audio_name": prompt.name}, prompt.path.read_bytes()) for prompt in chosen]


@pytest.fixture
def murmured() -> list[Recording]:
    return [({"audio_name": "murmur"}, wav(murmur(25, 8000), 8000))]


def test_no_speech_is_too_little(tmp_path: Path) -> None:
    job = Job(tmp_path / "ml", [({"audio_name": "tone"}, wav(tone(60, 8000), 8000))])
    assert job.run() == 1
    assert "too little to learn from: no speech in 1.0 minutes of audio from 1 audio resource" in job.failure


def test_a_voice_without_words_teaches_nothing(tmp_path: Path, murmured: list[Recording]) -> None:
    job = Job(tmp_path / "ml", murmured)
    assert job.run() == 0, job.log
    assert (job.report["decision"], job.report["alpha"], job.report["rounds"]) == ("base", 0, [])
    assert "words in the held-out audio" in job.report["reason"]


def test_one_sentence_again_and_again_teaches_nothing(
    tmp_path: Path, prompt_named: dict[str, Prompt]
) -> None:
    samples, rate_hz = soundfile.read(prompt_named["conf-extended"].path, dtype="float32")
    random = np.random.default_rng(1)
    said: list[Recording] = [
        (
            {"audio_name": f"call-{number}"},
            wav((samples + 0.002 * random.standard_normal(len(samples))).astype(np.float32), rate_hz),
        )
        for number in range(25)
    ]
    job = Job(tmp_path / "ml", said)
    assert job.run() == 0, job.log
    assert (job.report["decision"], job.report["rounds"]) == ("base", [])
    assert "different words in the audio" in job.report["reason"]


def test_one_recording_again_and_again_is_too_little(tmp_path: Path, prompt_named: dict[str, Prompt]) -> None:
    content = prompt_named["conf-extended"].path.read_bytes()
    job = Job(tmp_path / "ml", [({"audio_name": f"call-{number}"}, content) for number in range(25)])
    assert job.run() == 1
    assert "too little to learn from" in job.failure
    assert "the same audio as in call-0" in job.failure


def test_a_helper_of_another_base_is_refused(tmp_path: Path, murmured: list[Recording]) -> None:
    pytest.importorskip("pocketsphinx")
    job = Job(tmp_path / "ml", murmured, language_model="helper.tar.gz")
    (job.root / "input/data/language").mkdir()
    target = job.root / "input/data/language/helper.tar.gz"
    corpus = io.BytesIO(b"the conference has been extended\n" * 5)
    train([corpus], [], {}, base=base_language(LIGHT), target=target, weight=0.5)
    assert job.run() == 1
    assert f"The helper language model was trained for {LIGHT}, the acoustic model is based on" in job.failure


def _staged(root: Path, recordings: list[Recording], network: ModelFile) -> Job:
    job = Job(root, recordings, **STAGED)
    write_multilingual(job.root / "input/data/base", network)
    return job


def test_a_base_that_was_removed_meanwhile_is_missed(tmp_path: Path, murmured: list[Recording]) -> None:
    job = Job(tmp_path / "ml", murmured, **STAGED)
    (job.root / "input/data/base").mkdir()
    assert job.run() == 1
    assert "have not arrived from 'bases/random/'" in job.failure
    assert "Tell the operator to add that base model again" in job.failure


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        ("encoder/layer_1/ffn/linear_0/weight", "it has no encoder/layer_1/ffn/linear_0/weight"),
        ("decoder/layer_0/", "the network has 2 layers before and 0 behind"),
    ],
)
def test_a_base_without_all_layers_is_refused(
    tmp_path: Path, murmured: list[Recording], missing: str, words: str
) -> None:
    whole = multilingual_network()
    arrays = {name: array for name, array in whole.arrays.items() if not name.startswith(missing)}
    job = _staged(tmp_path / "ml", murmured, dataclasses.replace(whole, arrays=arrays))
    assert job.run() == 1
    assert "The weights of the base model cannot be used" in job.failure
    assert words in job.failure


def test_a_base_that_is_cut_short_is_refused(tmp_path: Path, murmured: list[Recording]) -> None:
    job = _staged(tmp_path / "ml", murmured, multilingual_network())
    weights = job.root / "input/data/base/model.bin"
    weights.write_bytes(weights.read_bytes()[:-1000])
    assert job.run() == 1
    assert "The weights of the base model cannot be used" in job.failure


def test_a_base_of_no_numbers_is_refused(tmp_path: Path, murmured: list[Recording]) -> None:
    whole = multilingual_network()
    arrays: Arrays = dict(whole.arrays)
    arrays["encoder/layer_norm/beta"] = np.full_like(arrays["encoder/layer_norm/beta"], np.nan)
    job = _staged(tmp_path / "ml", murmured, dataclasses.replace(whole, arrays=arrays))
    assert job.run() == 1
    assert "encoder/layer_norm/beta has values that are no numbers" in job.failure


def test_a_base_that_understands_nothing_is_kept(tmp_path: Path, recordings: list[Recording]) -> None:
    job = _staged(tmp_path / "ml", recordings[:4], multilingual_network())
    assert job.run() == 0, job.log
    assert job.report["decision"] == "base"
    assert job.report["reason"].startswith("The base model is kept: ")


def test_learning_that_gives_no_numbers_keeps_what_was_good_and_says_so(
    tmp_path: Path, recordings: list[Recording]
) -> None:
    job = Job(tmp_path / "ml", recordings)
    assert job.run({"rate": 1e30, "epochs": 8, "batch_s": 8}) == 0, job.log
    assert (job.report["decision"], job.report["alpha"]) == ("base", 0)
    assert "values that are no numbers" in job.report["reason"]


@pytest.fixture
def small_disk() -> list[str]:
    """What lets a program see a disk of two megabytes where its checkpoints are."""
    command = ["unshare", "--map-root-user", "--mount"]
    if shutil.which("unshare") is None or subprocess.run([*command, "true"], check=False).returncode:
        pytest.skip("this user may not mount anything")
    return [
        *command,
        *(
            "sh",
            "-c",
            'mount -t tmpfs -o size=2m none "$ATTUNE_TRAINING_ROOT/checkpoints" && exec "$@"',
            "sh",
        ),
    ]


def test_a_disk_that_fills_is_named(
    tmp_path: Path, recordings: list[Recording], small_disk: list[str]
) -> None:
    job = Job(tmp_path / "ml", recordings)
    with job.start({"rank": 8}, before=small_disk) as program:
        assert program.wait(WITHIN_S) == 1, job.log
    assert job.failure.startswith("The disk of the training machine is full.")


def test_a_gpu_that_was_paid_for_and_cannot_be_used_is_said(
    tmp_path: Path, murmured: list[Recording]
) -> None:
    job = Job(tmp_path / "ml", murmured)
    job.configure(
        "resourceconfig", current_host="algo-1", hosts=["algo-1"], current_instance_type="ml.g5.xlarge"
    )
    assert job.run(CUDA_VISIBLE_DEVICES="") == 1
    assert "The training machine (ml.g5.xlarge) was chosen for its GPU" in job.failure
    assert "Have the operator deploy the training image for GPUs" in job.failure
