"""The container of the whole service: its tree serves, and what its files say is true of the service."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.containers import ROOT, lay_out
from tests.local.running import RunningService
from tests.ports import free_port

DOCKERFILE = ROOT / "infra/local/Dockerfile"
ANOTHER_LOOPBACK = "127.0.0.2"
START_S = 120


def _compose(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / name).read_text())
    return found


def _instructions() -> list[str]:
    text = re.sub(r"^#.*\n", "", DOCKERFILE.read_text(), flags=re.M)
    return [line for line in text.replace("\\\n", " ").splitlines() if line.strip()]


def test_what_is_copied_is_there_and_not_ignored() -> None:
    rules = DOCKERFILE.with_name("Dockerfile.dockerignore").read_text().split()
    assert rules[0] == "*", "nothing comes along unasked"
    copied = [source for line in _instructions() if line.startswith("COPY ") for source in line.split()[1:-1]]
    assert len(copied) > 5
    for source in copied:
        assert (ROOT / source).exists(), source
        assert any(fnmatch(source.split("/")[0], rule.removeprefix("!")) for rule in rules[1:]), source


def test_its_tree_serves_where_it_is_told_to(tmp_path: Path) -> None:
    lay_out(DOCKERFILE, tmp_path / "tree")
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | {
        "ATTUNE_HOME": str(tmp_path / "home"),
        "ATTUNE_BIND": ANOTHER_LOOPBACK,
        "PORT": str(port),
        "TLS_PORT": str(free_port()),
    }
    with (tmp_path / "output").open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "infra.local"],
            cwd=tmp_path / "tree",
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            assert _health(f"http://{ANOTHER_LOOPBACK}:{port}/health", process) == {"status": "ok"}
            with pytest.raises(urllib.error.URLError):
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5)
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
    said = (tmp_path / "output").read_text()
    assert f"http://{ANOTHER_LOOPBACK}:{port}\n" in said
    assert "ATTUNE_BIND" in said, "that others reach it is said"


def _health(url: str, process: subprocess.Popen[bytes]) -> Any:
    until_s = time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < until_s:
        try:
            with urllib.request.urlopen(url, timeout=60) as answer:
                return json.load(answer)
        except OSError:
            time.sleep(0.1)
    raise AssertionError("it does not serve")


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"ATTUNE_BIND": "all"}, "must be an IP address of this machine"),
        ({"ATTUNE_BIND": "192.0.2.1"}, "ATTUNE_BIND=192.0.2.1 is no address of this machine"),
        ({"ATTUNE_CERTIFICATE": "one.pem"}, "belong together"),
        ({"ATTUNE_CERTIFICATE": "no.pem", "ATTUNE_CERTIFICATE_KEY": "no.key"}, "cannot be used"),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_way_out(
    tmp_path: Path, variables: dict[str, str], said: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "infra.local"],
        cwd=ROOT,
        env={**os.environ, "ATTUNE_HOME": str(tmp_path), "PORT": str(free_port()), **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_an_operators_own_certificate_is_shown(tmp_path: Path) -> None:
    import ssl

    from infra.local import self_signed

    key, certificate = self_signed.make()
    (tmp_path / "own.key").write_bytes(key)
    (tmp_path / "own.pem").write_bytes(certificate)
    service = RunningService(
        tmp_path / "home",
        ATTUNE_CERTIFICATE=str(tmp_path / "own.pem"),
        ATTUNE_CERTIFICATE_KEY=str(tmp_path / "own.key"),
    )
    try:
        service.wait_until_ready()
        assert ssl.get_server_certificate(("127.0.0.1", service.tls_port)).encode() == certificate
        assert not (service.home / "certificate.pem").exists(), "none is made that nobody uses"
    finally:
        service.stop()


def test_the_composed_service_is_the_one_of_the_dockerfile() -> None:
    service = _compose("compose.yaml")["services"]["attune"]
    assert service["build"] == {"context": ".", "dockerfile": "infra/local/Dockerfile"}
    (volume,) = service["volumes"]
    environment = dict(word.split("=", 1) for word in re.findall(r"ATTUNE_\w+=\S+", DOCKERFILE.read_text()))
    assert volume.split(":") == ["attune", environment["ATTUNE_HOME"]]
    assert f"VOLUME {environment['ATTUNE_HOME']}" in _instructions()
    for port in service["ports"]:
        address, outside, inside = port.split(":")
        assert address == "127.0.0.1", "nobody else reaches it unless the operator says so"
        assert outside == inside
        assert inside in " ".join(line for line in _instructions() if line.startswith("EXPOSE"))
    assert service["init"] is True


def test_every_variable_is_one_that_is_explained() -> None:
    explained = (ROOT / "docs/running.md").read_text()
    for variable in _compose("compose.yaml")["services"]["attune"]["environment"]:
        assert f"`{variable}`" in explained, variable


def test_with_gpus_it_brings_what_the_training_container_brings() -> None:
    arguments = _compose("compose.gpu.yaml")["services"]["attune"]["build"]["args"]
    of_training = (ROOT / "training_image/whisper/Dockerfile").read_text()
    assert f"ARG CUBLAS={arguments['CUBLAS']}\n" in of_training
    declared = {line.split()[1].split("=")[0] for line in _instructions() if line.startswith("ARG ")}
    assert set(arguments) <= declared


def test_it_does_not_run_as_root_and_says_how_it_is() -> None:
    users = [line for line in _instructions() if line.startswith("USER ")]
    assert users == ["USER attune"]
    (health,) = (line for line in _instructions() if line.startswith("HEALTHCHECK"))
    assert "/health" in health
