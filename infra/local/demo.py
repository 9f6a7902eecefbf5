"""`make demo`: the main job on real telephone speech, done as a user would do it."""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ibm_cloud_sdk_core.authenticators import IAMAuthenticator
from ibm_watson import SpeechToTextV1
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from infra.local.prompts import Prompt, PromptsUnavailable, fetch_prompts
from infra.local.scoring import WordErrorRate, word_error_rate

ROOT = Path(__file__).parent.parent.parent
BASE_MODEL = "en-US_NarrowbandModel"
HELD_OUT_UTTERANCES = 100
ADAPTATION_AUDIO_S = 14.4 * 60
SPLIT_SEED = 7


@dataclass(frozen=True)
class Speech:
    """What the demonstration learns from and what it is measured on; no recording is in both."""

    adaptation: Sequence[Prompt]
    held_out: Sequence[Prompt]
    source: str


def split(prompts: Sequence[Prompt], source: str) -> Speech:
    """Hold utterances out at random, then take about 14 minutes of the rest to learn from."""
    shuffled = list(prompts)
    random.Random(SPLIT_SEED).shuffle(shuffled)
    adaptation: list[Prompt] = []
    audio_s = 0.0
    for prompt in shuffled[HELD_OUT_UTTERANCES:]:
        if audio_s >= ADAPTATION_AUDIO_S:
            break
        adaptation.append(prompt)
        audio_s += prompt.duration_s
    return Speech(adaptation, shuffled[:HELD_OUT_UTTERANCES], source)


def find_speech(console: Console, cache: Path) -> Speech:
    """Return real telephone prompts, or, where they cannot be had, synthesised speech."""
    try:
        prompts = fetch_prompts(cache)
    except PromptsUnavailable as reason:
        from infra.local import synthesis

        console.print(f"[yellow]The telephone prompts cannot be had here ({reason}).")
        console.print(
            "[yellow]Synthesised speech takes their place: the figures say less about real telephones."
        )
        return split(
            synthesis.sentences(cache.parent / "synthesised"), "synthesised speech (espeak-ng), 8 kHz"
        )
    console.print(
        "Speech: Asterisk telephone prompts (asterisk-core-sounds-en), CC BY-SA 3.0, Allison Smith / Digium."
    )
    return split(prompts, "Asterisk telephone prompts, 8 kHz (CC BY-SA 3.0)")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def service(home: Path) -> Iterator[tuple[str, str]]:
    """Run the whole service with its state in `home`; yield its https URL and an API key.

    Raises:
        RuntimeError: the service did not become ready; the message shows what it printed.
    """
    port, tls_port, key = _free_port(), _free_port(), os.urandom(24).hex()
    environment = os.environ | {
        "PORT": str(port),
        "TLS_PORT": str(tls_port),
        "ATTUNE_HOME": str(home),
        "ATTUNE_API_KEY": key,
    }
    home.mkdir(parents=True, exist_ok=True)
    with (home / "service.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "infra.local"],
            cwd=ROOT,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait_until_ready(process, port, home / "service.log")
            yield f"https://127.0.0.1:{tls_port}", key
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, log: Path, timeout_s: float = 60) -> None:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline and process.poll() is None:
        with (
            contextlib.suppress(OSError),
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2),
        ):
            return
        time.sleep(0.1)
    raise RuntimeError(f"the service did not start; it said:\n{log.read_text(errors='replace')[-2000:]}")


def sdk_client(url: str, key: str) -> SpeechToTextV1:
    """Return IBM's own client, unmodified; only the certificate is not one that a browser would know."""
    authenticator = IAMAuthenticator(key, url=url, disable_ssl_verification=True)
    client = SpeechToTextV1(authenticator=authenticator)
    client.set_service_url(url)
    client.set_disable_ssl_verification(True)
    client.set_http_config({"timeout": 300})
    return client


def archive(prompts: Sequence[Prompt]) -> bytes:
    """Return a zip of the recordings: audio only, no transcripts."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as out:
        for number, prompt in enumerate(prompts):
            out.write(prompt.path, f"{number:04d}.wav")
    return buffer.getvalue()


def wait_for_audio(client: SpeechToTextV1, customization_id: str, name: str) -> dict[str, Any]:
    """Poll an archive until it is analysed.

    Raises:
        RuntimeError: it is invalid; the message says why.
    """
    while True:
        listing: dict[str, Any] = client.get_audio(customization_id, name).get_result()
        container = listing["container"]
        if container["status"] == "ok":
            return listing
        if container["status"] == "invalid":
            raise RuntimeError(f"the audio was refused: {container.get('error')}")
        time.sleep(0.25)


def train(client: SpeechToTextV1, customization_id: str, progress: Progress) -> float:
    """Train and wait; return the seconds it took.

    Raises:
        RuntimeError: the training failed; the message says why.
    """
    task = progress.add_task("Training on the audio alone", total=100)
    started = time.monotonic()
    client.train_acoustic_model(customization_id)
    while True:
        model = client.get_acoustic_model(customization_id).get_result()
        progress.update(
            task, completed=model["progress"], description=f"Training: {model.get('stage') or 'starting'}"
        )
        if model["status"] == "available":
            progress.update(task, completed=100, description="Training: done")
            return time.monotonic() - started
        if model["status"] == "failed":
            raise RuntimeError(f"the training failed: {model.get('error')}")
        time.sleep(0.5)


def transcribe(
    client: SpeechToTextV1, prompts: Sequence[Prompt], progress: Progress, label: str, **options: str
) -> WordErrorRate:
    """Recognise every prompt and compare with what was really said."""
    task = progress.add_task(label, total=len(prompts))

    def one(prompt: Prompt) -> str:
        answer = client.recognize(
            prompt.path.read_bytes(), content_type="audio/wav", model=BASE_MODEL, **options
        ).get_result()
        progress.advance(task)
        return " ".join(result["alternatives"][0]["transcript"] for result in answer["results"])

    with ThreadPoolExecutor(2 * (os.cpu_count() or 1)) as threads:
        hypotheses = list(threads.map(one, prompts))
    return word_error_rate([prompt.text for prompt in prompts], hypotheses)


def demonstrate(console: Console, client: SpeechToTextV1, speech: Speech) -> dict[str, Any]:
    """Do the main job; return the figures."""
    features = client.get_model(BASE_MODEL).get_result()["supported_features"]
    if not features["custom_acoustic_model"]:
        return recognise_alone(console, client, speech)
    audio_s = sum(prompt.duration_s for prompt in speech.adaptation)
    columns = (TextColumn("{task.description:52}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        created = client.create_acoustic_model(
            "demo", BASE_MODEL, description="telephone prompts"
        ).get_result()
        customization_id = created["customization_id"]
        body = archive(speech.adaptation)
        task = progress.add_task(f"Uploading {len(body) / 1e6:.1f} MB of audio, no transcripts", total=1)
        client.add_audio(customization_id, "prompts.zip", body, content_type="application/zip")
        progress.advance(task)
        task = progress.add_task("Validated by the upload's event", total=1)
        wait_for_audio(client, customization_id, "prompts.zip")
        progress.advance(task)
        trained_on = client.get_acoustic_model(customization_id).get_result()["versions"][-1]
        network = transcribe(
            client, speech.held_out, progress, "Recognising held-out recordings, the network"
        )
        base = transcribe(
            client,
            speech.held_out,
            progress,
            "Recognising held-out recordings, the light engine",
            base_model_version=trained_on,
        )
        training_s = train(client, customization_id, progress)
        custom = transcribe(
            client,
            speech.held_out,
            progress,
            "Recognising held-out recordings, the light engine adapted",
            acoustic_customization_id=customization_id,
        )
    return {
        "audio_s": round(audio_s, 1),
        "training_s": round(training_s, 1),
        "network_wer": round(network.rate, 4),
        "network_wer_interval": [round(network.low, 4), round(network.high, 4)],
        "base_wer": round(base.rate, 4),
        "base_wer_interval": [round(base.low, 4), round(base.high, 4)],
        "custom_wer": round(custom.rate, 4),
        "custom_wer_interval": [round(custom.low, 4), round(custom.high, 4)],
        "held_out": base.utterances,
        "base_model": BASE_MODEL,
        "trained_on": trained_on,
        "source": speech.source,
        "cores": os.cpu_count(),
    }


def recognise_alone(console: Console, client: SpeechToTextV1, speech: Speech) -> dict[str, Any]:
    """Do what can be done where no engine is installed that adapts; return the figures."""
    console.print(
        "[yellow]The light engine, which learns from audio, is not here: PocketSphinx is ready-made for "
        "Python 3.11 and 3.13, and this is another one. The network recognises all the same."
    )
    with Progress(console=console) as progress:
        network = transcribe(
            client, speech.held_out, progress, "Recognising held-out recordings, the network"
        )
    return {
        "network_wer": round(network.rate, 4),
        "network_wer_interval": [round(network.low, 4), round(network.high, 4)],
        "held_out": network.utterances,
        "base_model": BASE_MODEL,
        "source": speech.source,
        "cores": os.cpu_count(),
    }


def show(console: Console, figures: dict[str, Any]) -> None:
    """Print the closing table."""

    def percent(name: str) -> str:
        low, high = figures[f"{name}_interval"]
        return f"{100 * figures[name]:.1f} %  ({100 * low:.1f} to {100 * high:.1f})"

    table = Table(
        title="Telephone speech, with each engine, and what ten minutes of raw audio bring", show_header=False
    )
    adapted = "training_s" in figures
    if adapted:
        table.add_row("audio learned from, no transcripts", f"{figures['audio_s'] / 60:.1f} min")
        table.add_row("training time", f"{figures['training_s'] / 60:.1f} min on {figures['cores']} cores")
    table.add_row("held-out recordings", str(figures["held_out"]))
    table.add_row("word error rate (95 % interval): the network, a new user's engine", percent("network_wer"))
    if adapted:
        table.add_row("the light engine", percent("base_wer"))
        table.add_row("the light engine, adapted to the audio", percent("custom_wer"))
    console.print(table)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demonstration and leave nothing running; the figures go to `.attune/demo.json`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--home", type=Path, default=ROOT / ".attune", help="where speech and figures are kept"
    )
    arguments = parser.parse_args(argv)
    warnings.filterwarnings("ignore", message="Unverified HTTPS request")
    console = Console()
    started = time.monotonic()
    state = Path(tempfile.mkdtemp(prefix="attune-demo-"))
    try:
        speech = find_speech(console, arguments.home / "prompts")
        with service(state) as (url, key):
            console.print(f"The service runs at {url}; the client is IBM's own Python SDK.")
            figures = demonstrate(console, sdk_client(url, key), speech)
    except RuntimeError as reason:
        console.print(f"[red]{reason}")
        return 1
    finally:
        shutil.rmtree(state, ignore_errors=True)
    figures["total_s"] = round(time.monotonic() - started, 1)
    path = arguments.home / "demo.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(figures, indent=2) + "\n")
    show(console, figures)
    console.print(f"The same figures are in {path}. Everything took {figures['total_s'] / 60:.1f} minutes.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
