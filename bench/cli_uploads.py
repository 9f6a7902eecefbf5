"""A folder of 1,000 recordings of 100 kB by the command line, against one zip of them by curl, on the running service."""

from __future__ import annotations

import argparse
import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import wave
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import requests

from bench.figures import keep, measured_here
from infra.local.demo.__main__ import service

FILES = 1_000
FILE_BYTES = 100_000
RATE_HZ = 8_000
BASE = "en-US_NarrowbandModel"
ROUNDS = 5
REACH = 2.0
"""Times as long as the zip, at most."""


def _recording(seed: int) -> bytes:
    samples = np.random.default_rng(seed).normal(0, 3000, (FILE_BYTES - 44) // 2).astype("<i2")
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE_HZ)
        out.writeframes(samples.tobytes())
    return buffer.getvalue()


def _make(folder: Path, files: int) -> tuple[Path, Path]:
    """Write the recordings, and the same ones in a zip."""
    calls, archive = folder / "calls", folder / "calls.zip"
    calls.mkdir()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as packed:
        for number in range(files):
            path = calls / f"call-{number:04d}.wav"
            path.write_bytes(_recording(number))
            packed.write(path, path.name)
    return calls, archive


class _Account:
    """The service, with the certificate that it made."""

    def __init__(self, url: str, key: str, certificate: Path) -> None:
        self.url = url
        self.key = key
        self.certificate = certificate
        self.session = requests.Session()
        self.session.auth = ("apikey", key)
        self.session.verify = str(certificate)
        self.session.trust_env = False  # else a bundle named in the environment would be believed instead

    def new(self) -> str:
        """Make a model."""
        body = {"name": "bench", "base_model_name": BASE}
        answer = self.session.post(f"{self.url}/v1/acoustic_customizations", json=body, timeout=60)
        return str(answer.json()["customization_id"])

    def checked_s(self, model: str, files: int, began_s: float) -> float:
        """Wait until all audio is `ok`, and return how long that took since it began."""
        audio = f"{self.url}/v1/acoustic_customizations/{model}/audio"
        while True:
            resources = self.session.get(audio, timeout=60).json()["audio"]
            if all(one["status"] == "ok" for one in resources):
                break
            if any(one["status"] == "invalid" for one in resources):
                raise RuntimeError(f"audio was refused: {resources}")
            time.sleep(0.1)
        took_s = time.monotonic() - began_s
        total = 0
        for one in resources:
            listing = self.session.get(f"{audio}/{one['name']}", timeout=60).json()
            total += len(listing.get("audio", [one]))
        if total != files:
            raise RuntimeError(f"{total} of {files} recordings came")
        self.session.delete(f"{self.url}/v1/acoustic_customizations/{model}", timeout=60)
        return took_s

    def by_command(self, calls: Path, model: str, config: Path, *arguments: str) -> None:
        """Add the folder with `attune add`."""
        environment = os.environ | {
            "ATTUNE_URL": self.url,
            "ATTUNE_API_KEY": self.key,
            "ATTUNE_CERTIFICATE": str(self.certificate),
            "ATTUNE_CONFIG": str(config),
        }
        command = [sys.executable, "-m", "attune_cli", "add", str(calls), "-m", model, *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(done.stderr)

    def by_curl(self, archive: Path, model: str) -> None:
        """Add the zip with curl."""
        command = ["curl", "-sS", "--fail", "--cacert", str(self.certificate), "-u", f"apikey:{self.key}"]
        command += ["--header", "Content-Type: application/zip", "--data-binary", f"@{archive}"]
        command += [f"{self.url}/v1/acoustic_customizations/{model}/audio/calls"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def _round(account: _Account, calls: Path, archive: Path, folder: Path, files: int) -> dict[str, float]:
    took: dict[str, float] = {}
    for name in ("zip", "command"):
        model = account.new()
        began_s = time.monotonic()
        if name == "zip":
            account.by_curl(archive, model)
        else:
            account.by_command(calls, model, folder / "config", "--no-wait")
        took[f"{name}_sent_s"] = time.monotonic() - began_s
        took[f"{name}_ok_s"] = account.checked_s(model, files, began_s)
    return took


def main(argv: Sequence[str]) -> int:
    """Measure both; print and write `.attune/bench/cli_uploads.json`; returns 1 where the reach is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench cli_uploads", description=__doc__)
    parser.add_argument("--files", type=int, default=FILES)
    options = parser.parse_args(argv)
    figures: dict[str, Any] = measured_here() | {"files": options.files, "file_bytes": FILE_BYTES}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        calls, archive = _make(folder, options.files)
        with service(folder / "home") as (url, key):
            account = _Account(url, key, folder / "home" / "certificate.pem")
            rounds = [_round(account, calls, archive, folder, options.files) for _ in range(ROUNDS + 1)][1:]
            model = account.new()
            began_s = time.monotonic()
            account.by_command(calls, model, folder / "other", "--each", "--no-wait")
            figures["each_sent_s"] = round(time.monotonic() - began_s, 2)
    for key_ in rounds[0]:
        figures[key_] = round(statistics.median(one[key_] for one in rounds), 2)
    figures["sent_times_the_zip"] = round(figures["command_sent_s"] / figures["zip_sent_s"], 2)
    figures["ok_times_the_zip"] = round(figures["command_ok_s"] / figures["zip_ok_s"], 2)
    print(json.dumps(figures, indent=2))
    keep("cli_uploads", figures)
    return int(max(figures["sent_times_the_zip"], figures["ok_times_the_zip"]) > REACH)
