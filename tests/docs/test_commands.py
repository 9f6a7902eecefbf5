"""Every command and every program in the documentation is run as it stands there."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
import soundfile

from infra.local.demo.prompts import Prompt
from tests import promoted
from tests.audio.archives.packing import zipped
from tests.contract.test_curl_examples import sparse_speech
from tests.running_service import ROOT, RunningService

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^```(\w+)?([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ELSEWHERE = {"aws", "docker"}
"""Programs that need an account or an engine which a test cannot have; their lines are only parsed."""


@dataclass(frozen=True)
class Block:
    page: str
    language: str
    text: str

    @property
    def commands(self) -> list[str]:
        """The block's commands, continued lines joined."""
        joined = self.text.replace("\\\n", " ")
        return [
            line.strip() for line in joined.splitlines() if line.strip() and not line.strip().startswith("#")
        ]


def blocks() -> Iterator[Block]:
    for page in PAGES:
        for language, _, text in FENCE.findall(page.read_text()):
            yield Block(str(page.relative_to(ROOT)), language, text)


def shell_blocks(page: str) -> list[Block]:
    return [block for block in blocks() if block.page == page and block.language == "sh"]


def test_every_block_says_what_it_is() -> None:
    known = {"sh", "python", "json", "text", "http", "yaml", ""}
    assert {block.language for block in blocks()} <= known


@pytest.mark.parametrize("page", sorted({block.page for block in blocks() if block.language == "sh"}))
def test_shell_blocks_are_proper_shell(page: str) -> None:
    for block in shell_blocks(page):
        parsed = subprocess.run(["bash", "-n"], input=block.text, text=True, capture_output=True, check=False)
        assert parsed.returncode == 0, parsed.stderr


def test_images_are_built_without_what_sagemaker_refuses() -> None:
    """With provenance Docker pushes an index of images."""
    built = [
        command for block in blocks() for command in block.commands if command.startswith("docker build ")
    ]
    assert len(built) >= 3
    assert [command for command in built if "--provenance=false" not in command] == []


def test_every_make_target_named_exists() -> None:
    named = {
        command.split()[1]
        for block in blocks()
        if block.language == "sh"
        for command in block.commands
        if command.startswith("make ")
    }
    assert {"demo", "test"} <= named
    for target in named:
        planned = subprocess.run(
            ["make", "-n", target], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert planned.returncode == 0, planned.stderr


def test_packages_go_into_an_environment() -> None:
    """Debian's and Ubuntu's own Python refuses them: `externally-managed-environment`."""
    said = [
        f"{page.name}: {line}"
        for page in PAGES
        for line in page.read_text().splitlines()
        if re.search(
            r"(?<!/bin/)(?<!/bin/python -m )\bpip install\b", line.replace("needed: pip install", "")
        )
    ]
    assert said == []


class Reader:
    """Types what a page says, with files at hand and the service at its own ports."""

    def __init__(self, service: RunningService, folder: Path) -> None:
        self.service = service
        self.folder = folder
        self.session = requests.Session()
        self.session.auth = ("apikey", service.key)
        self.models: list[str] = []

    def adapt(self, text: str) -> str:
        return (
            text.replace("http://127.0.0.1:8080", self.service.url)
            .replace("ws://127.0.0.1:8080", self.service.url.replace("http", "ws", 1))
            .replace("https://127.0.0.1:8443", self.service.tls_url)
            .replace(".attune/", f"{self.service.home}/")
        )

    def type(self, command: str, variables: dict[str, str]) -> str:
        silent = re.sub(r"^curl ", "curl -sS ", self.adapt(command))
        exports = "".join(f"{name}='{value}'\n" for name, value in variables.items())
        done = subprocess.run(
            ["bash", "-e", "-c", exports + silent],
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stderr}"
        return done.stdout

    def wait_until_idle(self) -> None:
        deadline = time.monotonic() + 900
        while any(map(self._is_busy, self.models)):
            assert time.monotonic() < deadline
            time.sleep(0.3)

    @staticmethod
    def _id_in(answer: dict[str, Any]) -> str | None:
        """Return the name of the id of what was just made; None: nothing was."""
        ids = ("customization_id", "test_set_id", "evaluation_id")
        return next(
            (name for name in ids if answer.keys() <= {name, "status", "warnings"} and name in answer), None
        )

    def _is_busy(self, model: str) -> bool:
        if "customizations" not in model:
            return self.session.get(model, timeout=300).json()["status"] in ("waiting", "processing")
        status = self.session.get(model, timeout=300).json()["status"]
        kind = "audio" if "/acoustic_customizations/" in model else "corpora"
        resources = self.session.get(f"{model}/{kind}", timeout=300).json()[kind]
        return status in ("training", "upgrading") or any(
            one["status"] == "being_processed" for one in resources
        )

    def follow(self, page: str, names: dict[str, str], **given: str) -> list[dict[str, Any]]:
        """Type a page's shell blocks in order, each when the service has done what was asked before.

        Args:
            page: its path.
            names: the variables that the page calls ids by, by the last part of the URL that makes them.
            given: variables that are set already.

        Returns:
            The answers, none of which is an error.
        """
        variables = dict(given)
        answers = []
        for block in shell_blocks(page):
            for command in block.commands:
                if command.startswith("make "):
                    continue
                assignment = re.match(r"^([A-Z]+)=(.*)$", command)
                if assignment:
                    variables[assignment[1]] = self.type(f"echo {assignment[2]}", variables).strip()
                    continue
                if "--output" in command:
                    self.type(command, variables)
                    continue
                answer = json.loads(self.type(command, variables))
                assert "error" not in answer, f"{command}\n{answer}"
                made = re.search(r"/v1/(\w*customizations|test_sets|evaluations)\b(?!/)", command)
                if made and (name := self._id_in(answer)) is not None:
                    variables[names[made[1]]] = answer[name]
                    self.models.append(f"{self.service.url}/v1/{made[1]}/{answer[name]}")
                answers.append(answer)
                self.wait_until_idle()
        return answers


@pytest.fixture
def reader(service: RunningService, prompts: list[Prompt], tmp_path: Path) -> Reader:
    longer = [prompt for prompt in prompts if prompt.duration_s > 3]
    members = {}
    for number in range(4):
        path = tmp_path / "member.wav"
        wide = sparse_speech(longer[20 * number : 20 * number + 20], 6, 155)
        soundfile.write(path, wide[::2], 8_000, subtype="PCM_16")
        members[f"{number}.wav"] = path.read_bytes()
    (tmp_path / "calls.zip").write_bytes(zipped(members))
    (tmp_path / "call.wav").write_bytes(longer[90].path.read_bytes())
    return Reader(service, tmp_path)


@pytest.mark.slow
def test_the_readme_can_be_pasted_into_a_shell(reader: Reader) -> None:
    """From top to bottom, as it stands; only the service runs already, and has learned on the light engine."""
    text = "".join(block.text for block in shell_blocks("README.md"))
    lines = [line for line in text.splitlines() if not line.startswith("make ")]
    program = reader.adapt("\n".join(lines)).replace(".venv/bin/python", sys.executable)
    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", program],
        cwd=reader.folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    said = done.stdout
    assert "calls.zip is there already" in said
    assert re.search('"name": "monday"\n"status": "ok"\n', said)
    assert '"status": "available"' in said
    before, after = (json.loads(line) for line in said.splitlines() if '"result_index"' in line)
    assert before["results"]
    assert after["results"], "the recording was not recognised"
    assert json.loads(said.splitlines()[-1])["summary"]


@pytest.mark.slow
def test_two_models_work_together_in_the_shell(reader: Reader, prompts: list[Prompt]) -> None:
    spoken = [prompt.text for prompt in prompts if prompt.duration_s > 3]
    (reader.folder / "transcripts.txt").write_text("the pbx says\n" + "\n".join(spoken[:80]))
    names = {"customizations": "LANGUAGE", "acoustic_customizations": "ACOUSTIC"}
    answers = reader.follow("docs/two-models.md", names)
    assert answers[-1]["results"], "the recording was not recognised"
    report = answers[-2]
    assert report["transcribed_s"] > 10
    language, acoustic = ([one for one in answers if "progress" in one][place] for place in (0, -1))
    assert (language["status"], language["progress"]) == ("available", 100)
    assert (acoustic["status"], acoustic["progress"]) == ("available", 100)
    assert any("pbx" in {word["word"] for word in answer.get("words", ())} for answer in answers)


@pytest.mark.slow
def test_models_are_evaluated_in_the_shell(reader: Reader, prompts: list[Prompt]) -> None:
    spoken = [prompt for prompt in prompts if 2 < prompt.duration_s < 4][:4]
    members = {f"{number}.wav": prompt.path.read_bytes() for number, prompt in enumerate(spoken)}
    members |= {f"{number}.txt": prompt.text.encode() for number, prompt in enumerate(spoken)}
    (reader.folder / "test.zip").write_bytes(zipped(members))
    models = f"{reader.service.url}/v1/acoustic_customizations"
    light = "en-US_NarrowbandModel.v2019-06-24"
    document = {"name": "kitchen", "base_model_name": "en-US_NarrowbandModel", "base_model_version": light}
    custom = reader.session.post(models, json=document, timeout=300).json()["customization_id"]
    model = f"{models}/{custom}"
    sent = {"Content-Type": "audio/wav"}
    reader.session.post(f"{model}/audio/call", data=members["0.wav"], headers=sent, timeout=300)
    reader.models.append(model)
    reader.wait_until_idle()
    promoted.promote(reader.service, custom, light)
    names = {"test_sets": "TESTSET", "evaluations": "EVALUATION"}
    answers = reader.follow("docs/evaluation.md", names, ACOUSTIC=custom)
    measured, compared = (one for one in answers if "results" in one)
    assert [one["words"] for one in measured["results"]["models"]] == [
        sum(len(prompt.text.split()) for prompt in spoken)
    ] * 2
    assert measured["results"]["models"][1]["word_error_rate"] < 0.5
    assert compared["results"]["recordings"] == 1
    assert (reader.folder / "picture.svg").read_text().startswith("<svg")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("page", "found"), [("docs/recognition.md", "results"), ("docs/jobs.md", "recognitions")]
)
def test_the_first_example_of_a_page_works(reader: Reader, page: str, found: str) -> None:
    variables = {"KEY": reader.service.key}
    commands = [command for command in shell_blocks(page)[0].commands if command.startswith("curl ")]
    answers = [json.loads(reader.type(command, variables)) for command in commands]
    assert answers[-1][found], answers


@pytest.mark.slow
@pytest.mark.parametrize("page", ["README.md", "docs/websocket.md"])
def test_a_page_works_in_python(reader: Reader, page: str) -> None:
    programs = [block for block in blocks() if block.page == page and block.language == "python"]
    assert len(programs) == 1
    program = f"key = {reader.service.key!r}\n" + reader.adapt(programs[0].text)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        cwd=reader.folder,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
