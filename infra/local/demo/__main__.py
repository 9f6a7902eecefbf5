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
from rich.table import Table

from chalicelib.engines import catalogue
from infra.local.demo import demo_progress
from infra.local.demo.demo_progress import Steps
from infra.local.demo.noisy_line import SNR_DB, beside_a_machine
from infra.local.demo.prompts import Prompt, PromptsUnavailable, fetch_prompts
from infra.local.demo.scoring import WordErrorRate, changed_words, word_error_rate
from infra.local.home import Home, HomeInUse

ROOT = Path(__file__).parent.parent.parent.parent
BASE_MODEL = "en-US_NarrowbandModel"
LIGHT_ENGINE = "sphinx"
HELD_OUT_UTTERANCES = 100
SHOWN_SENTENCES = 4
ADAPTATION_AUDIO_S = 14.4 * 60
SPLIT_SEED = 7
_INTERRUPTED = 130
"""What shells take for the end by Ctrl-C."""


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
        from infra.local.demo import synthesis

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
    port, tls_port = _free_port(), _free_port()
    environment = os.environ | {"PORT": str(port), "TLS_PORT": str(tls_port), "ATTUNE_HOME": str(home)}
    environment.pop("ATTUNE_API_KEY", None)
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
            yield f"https://127.0.0.1:{tls_port}", (home / "api-key").read_text()
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


def train(client: SpeechToTextV1, customization_id: str, line: str, steps: Steps) -> float:
    """Train and wait; return the seconds it took.

    Raises:
        RuntimeError: the training failed; the message says why.
    """
    step = steps.begin(f"{line}: training on the audio alone", 100)
    started = time.monotonic()
    client.train_acoustic_model(customization_id)
    while True:
        model = client.get_acoustic_model(customization_id).get_result()
        if model["status"] == "available":
            step.reach(100, f"{line}: trained")
            return time.monotonic() - started
        if model["status"] == "failed":
            raise RuntimeError(f"the training failed: {model.get('error')}")
        step.reach(model["progress"], f"{line}: training: {model.get('stage') or 'starting'}")
        time.sleep(0.5)


@dataclass(frozen=True)
class HeardPrompts:
    """What was recognised in some prompts."""

    texts: Sequence[str]
    rate: WordErrorRate


def transcribe(
    client: SpeechToTextV1, prompts: Sequence[Prompt], steps: Steps, label: str, **options: str
) -> HeardPrompts:
    """Recognise every prompt and compare with what was really said."""
    step = steps.begin(label, len(prompts))

    def one(prompt: Prompt) -> str:
        answer = client.recognize(
            prompt.path.read_bytes(), content_type="audio/wav", model=BASE_MODEL, **options
        ).get_result()
        step.advance()
        return " ".join(result["alternatives"][0]["transcript"].strip() for result in answer["results"])

    with ThreadPoolExecutor(2 * (os.cpu_count() or 1)) as threads:
        hypotheses = list(threads.map(one, prompts))
    return HeardPrompts(hypotheses, word_error_rate([prompt.text for prompt in prompts], hypotheses))


def learned_share(client: SpeechToTextV1, customization_id: str) -> float:
    """Return how much of what was learned serves, 0…1; 0: the base is kept."""
    request = client.prepare_request(
        method="GET", url=f"/v1/acoustic_customizations/{customization_id}/report", headers={}
    )
    report = client.send(request).get_result()
    return float(report.get("alpha", 0))


@dataclass(frozen=True)
class TelephoneLine:
    """A telephone line: what is recorded on it, to learn from and to be measured on."""

    name: str
    adaptation: Sequence[Prompt]
    held_out: Sequence[Prompt]


def lines(speech: Speech, folder: Path) -> list[TelephoneLine]:
    """Return the prompts as they are, and as from beside a machine; the latter are written below `folder`."""
    return [
        TelephoneLine("clean line", speech.adaptation, speech.held_out),
        TelephoneLine(
            f"beside a machine, {SNR_DB:g} dB",
            beside_a_machine(speech.adaptation, folder),
            beside_a_machine(speech.held_out, folder),
        ),
    ]


def demonstrate(
    console: Console, client: SpeechToTextV1, speech: Speech, measured_lines: Sequence[TelephoneLine]
) -> dict[str, Any]:
    """Do the main job on each line; return the figures."""
    audio_s = sum(prompt.duration_s for prompt in speech.adaptation)
    light = light_version()
    if light is None:
        console.print(
            "[yellow]The light engine is not here to be compared with: PocketSphinx is ready-made for "
            "Python 3.11 and 3.13, and this is another one."
        )
    with demo_progress.steps(console) as steps:
        measured = [adapt_to(client, line, light, steps) for line in measured_lines]
    return {
        "audio_s": round(audio_s, 1),
        "lines": measured,
        "held_out": len(speech.held_out),
        "base_model": BASE_MODEL,
        "source": speech.source,
        "cores": os.cpu_count(),
    }


def light_version() -> str | None:
    """Return the newest base version of the light engine; None where that is not installed."""
    versions = catalogue.BASE_MODELS[BASE_MODEL].versions
    return next((one.name for one in reversed(versions) if one.engine == LIGHT_ENGINE), None)


def adapt_to(client: SpeechToTextV1, line: TelephoneLine, light: str | None, steps: Steps) -> dict[str, Any]:
    """Make a model of a line, of its audio alone, and measure it beside the engines as they come.

    Raises:
        RuntimeError: the audio was refused, or the training failed.
    """
    customization_id = client.create_acoustic_model(
        line.name, BASE_MODEL, description="telephone prompts"
    ).get_result()["customization_id"]
    body = archive(line.adaptation)
    step = steps.begin(f"{line.name}: uploading {len(body) / 1e6:.0f} MB, no transcripts")
    client.add_audio(customization_id, "prompts.zip", body, content_type="application/zip")
    step.advance()
    step = steps.begin(f"{line.name}: validated by the upload's event")
    wait_for_audio(client, customization_id, "prompts.zip")
    step.advance()
    heard = {"network": transcribe(client, line.held_out, steps, f"{line.name}: the network listens")}
    if light is not None:
        heard["light"] = transcribe(
            client,
            line.held_out,
            steps,
            f"{line.name}: the light engine listens",
            base_model_version=light,
        )
    training_s = train(client, customization_id, line.name, steps)
    heard["custom"] = transcribe(
        client,
        line.held_out,
        steps,
        f"{line.name}: the adapted network listens",
        acoustic_customization_id=customization_id,
    )
    figures: dict[str, Any] = {
        "name": line.name,
        "customization_id": customization_id,
        "training_s": round(training_s, 1),
        "alpha": learned_share(client, customization_id),
        "changed": most_changed(line.held_out, heard["network"].texts, heard["custom"].texts),
    }
    for name, one in heard.items():
        figures[f"{name}_wer"] = round(one.rate.rate, 4)
        figures[f"{name}_wer_interval"] = [round(one.rate.low, 4), round(one.rate.high, 4)]
    return figures


def most_changed(
    prompts: Sequence[Prompt], before: Sequence[str], after: Sequence[str], count: int = SHOWN_SENTENCES
) -> list[dict[str, str]]:
    """Return the sentences that adaptation changed most, for better or worse, with what was said."""
    changed = sorted(
        (-changed_words(one.split(), other.split()), place)
        for place, (one, other) in enumerate(zip(before, after, strict=True))
        if one != other
    )
    return [
        {
            "said": prompts[place].text,
            "before": before[place],
            "after": after[place],
            "audio": prompts[place].path.name,
        }
        for _, place in changed[:count]
    ]


def show(console: Console, figures: dict[str, Any]) -> None:
    """Print the closing table."""

    def percent(line: dict[str, Any], name: str) -> str:
        if f"{name}_wer" not in line:
            return "–"
        low, high = line[f"{name}_wer_interval"]
        return f"{100 * line[f'{name}_wer']:.1f} %  ({100 * low:.1f} to {100 * high:.1f})"

    minutes = figures["audio_s"] / 60
    table = Table(
        title=f"Words wrong in {figures['held_out']} recordings that no training has heard (95 % interval)"
    )
    for heading in ("telephone speech", "light engine", "network", f"network, {minutes:.0f} min learned"):
        table.add_column(heading)
    table.add_column("α", justify="right")
    table.add_column("training", justify="right")
    for line in figures["lines"]:
        table.add_row(
            line["name"],
            *(percent(line, name) for name in ("light", "network", "custom")),
            f"{line['alpha']:g}",
            f"{line['training_s'] / 60:.1f} min",
        )
    console.print(table)
    for line in figures["lines"]:
        console.print(f"What changed most, {line['name']}:")
        for one in line["changed"]:
            for who, text in (("said", "said"), ("network", "before"), ("adapted", "after")):
                console.print(f"  {who:8} {one[text] or '(nothing)'}", highlight=False)
            console.print()
    console.print(f"Each learned from {minutes:.1f} min of its own audio alone, on {figures['cores']} cores.")


def next_step(home: Path, figures: dict[str, Any], recording: Path) -> str:
    """Return what to type to go on with the model of the last line."""
    model = figures["lines"][-1]["customization_id"]
    shown = home if not home.is_relative_to(ROOT) else home.relative_to(ROOT)
    return f"""Both models are kept in {shown}. To go on with them:

  ATTUNE_HOME={shown} make run

and in another shell, with one of the recordings that no training has heard:

  curl -u "apikey:$(cat {shown}/api-key)" --header "Content-Type: audio/wav" \\
    --data-binary @{shown}/{recording.name} \\
    "http://127.0.0.1:8080/v1/recognize?model={BASE_MODEL}&acoustic_customization_id={model}"

Then your own line: README.md, "Use it"."""


def keep_recording(home: Path, line: TelephoneLine, figures: dict[str, Any]) -> Path:
    """Copy a recording that is heard otherwise now, or the first, to where it is named."""
    changed = [one["audio"] for one in figures["lines"][-1]["changed"]] or [line.held_out[0].path.name]
    (source,) = (one.path for one in line.held_out if one.path.name == changed[0])
    return Path(shutil.copy(source, home / "call.wav"))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demonstration and leave nothing running; models and figures stay below `.attune`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--home", type=Path, default=ROOT / ".attune", help="where speech, models and figures are kept"
    )
    arguments = parser.parse_args(argv)
    warnings.filterwarnings("ignore", message="Unverified HTTPS request")
    console = Console()
    try:
        with afresh(arguments.home / "demo") as home:
            return _demonstrate(console, arguments.home, home)
    except (RuntimeError, HomeInUse) as reason:
        console.print(f"[red]{reason}")
        return 1
    except KeyboardInterrupt:
        console.print("Stopped; nothing is left running, and nothing is kept but the speech.")
        return _INTERRUPTED


@contextlib.contextmanager
def afresh(home: Path) -> Iterator[Path]:
    """Yield an empty folder for the service's state; it stays if the block ends well.

    Raises:
        HomeInUse: a service runs on what an earlier demonstration has left there.
    """
    if home.exists():
        Home(home).lock().close()
        shutil.rmtree(home)
    home.mkdir(parents=True)
    try:
        yield home
    except BaseException:
        shutil.rmtree(home, ignore_errors=True)
        raise


def _demonstrate(console: Console, folder: Path, home: Path) -> int:
    started = time.monotonic()
    speech = find_speech(console, folder / "prompts")
    with tempfile.TemporaryDirectory(prefix="attune-demo-") as temporary:
        measured_lines = lines(speech, Path(temporary))
        with service(home) as (url, key):
            console.print(f"The service runs at {url}; the client is IBM's own Python SDK.")
            figures = demonstrate(console, sdk_client(url, key), speech, measured_lines)
        recording = keep_recording(home, measured_lines[-1], figures)
    figures["total_s"] = round(time.monotonic() - started, 1)
    path = folder / "demo.json"
    path.write_text(json.dumps(figures, indent=2) + "\n")
    show(console, figures)
    console.print(f"The same figures are in {path}. Everything took {figures['total_s'] / 60:.1f} minutes.")
    console.print(next_step(home, figures, recording), highlight=False, soft_wrap=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
