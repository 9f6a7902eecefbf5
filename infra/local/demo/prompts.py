"""Real telephone speech with transcripts: the Asterisk prompts, fetched as Debian packages without root."""

from __future__ import annotations

import fcntl
import gzip
import re
import shutil
import subprocess
import tempfile
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SOURCE = "Asterisk core sounds, US English, spoken by Allison Smith, 8 kHz (CC BY-SA 3.0)"
_SOUNDS_PACKAGE = "asterisk-core-sounds-en-wav"
_TEXT_PACKAGE = "asterisk-core-sounds-en"
_FETCH_TIMEOUT_S = 120
_BRACKETED = re.compile(r"\[[^\]]*\]|\([^)]*\)|<[^>]*>")
_ONES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
_TEENS = ["ten", "eleven", "twelve", "thirteen", "fourteen"]
_TEENS += ["fifteen", "sixteen", "seventeen", "eighteen", "nineteen"]
_TENS = ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]


class PromptsUnavailable(Exception):
    """The prompts cannot be had on this machine; the message says why."""


@dataclass(frozen=True)
class Prompt:
    """One recorded sentence."""

    name: str
    """Unique, with its folder, e.g. `digits/5`."""
    path: Path
    """WAV, 8 kHz, 16 bit, mono."""
    text: str
    """What is spoken, as `spoken_words` writes it."""
    duration_s: float


def fetch_prompts(cache: Path) -> list[Prompt]:
    """Return the prompts that hold speech, sorted by name; downloads them into `cache` once.

    Several processes may share a cache: one of them downloads, the others wait for it.

    Raises:
        PromptsUnavailable: no Debian tools, no network, or the packages changed their contents.
    """
    cache = cache.resolve()  # the tools run inside it
    unpacked = cache / "unpacked"
    if not unpacked.is_dir():
        with _locked(cache):
            if not unpacked.is_dir():
                _download_and_unpack(cache, unpacked)
    sounds = next(iter(sorted(unpacked.glob("usr/share/asterisk/sounds/en_US_*"))), None)
    texts = unpacked / "usr/share/doc" / _TEXT_PACKAGE / "core-sounds-en.txt.gz"
    if sounds is None or not texts.is_file():
        raise PromptsUnavailable(
            f"the packages in {cache} do not hold the expected files; remove that folder"
        )
    prompts = _read_prompts(sounds, texts)
    if not prompts:
        raise PromptsUnavailable(f"no transcript in {texts} belongs to a recording")
    return prompts


def spoken_words(text: str) -> str:
    """Return a transcript as spoken, in lower case: numbers in words, no punctuation, remarks left out."""
    text = _BRACKETED.sub(" ", text.lower())
    text = text.replace("#", " pound ").replace("*", " star ")
    text = re.sub(r"(?<=\d)(?=[a-z])", " ", text)
    text = re.sub(r"\d+", lambda found: f" {_number_words(int(found[0]))} ", text)
    text = re.sub(r"[^a-z' ]", " ", text)
    return " ".join(word.strip("'") for word in text.split() if word.strip("'"))


def _number_words(number: int) -> str:
    if number < 20:
        return [*_ONES, *_TEENS][number]
    if number < 100:
        return " ".join([_TENS[number // 10], _ONES[number % 10] if number % 10 else ""]).strip()
    if number < 1000:
        rest = f" {_number_words(number % 100)}" if number % 100 else ""
        return f"{_ONES[number // 100]} hundred{rest}"
    return " ".join(_ONES[int(digit)] for digit in str(number))


def _read_prompts(sounds: Path, texts: Path) -> list[Prompt]:
    prompts: dict[str, Prompt] = {}
    for line in gzip.decompress(texts.read_bytes()).decode("utf-8").splitlines():
        name, separator, transcript = line.partition(":")
        path = sounds / f"{name.strip()}.wav"
        text = spoken_words(transcript)
        if not separator or line.startswith(";") or not text or not path.is_file():
            continue
        with wave.open(str(path)) as recording:
            duration_s = recording.getnframes() / recording.getframerate()
        prompts[name] = Prompt(name.strip(), path, text, duration_s)
    return [prompts[name] for name in sorted(prompts)]


@contextmanager
def _locked(cache: Path) -> Iterator[None]:
    """Let nobody else into the block who names the same cache; the lock ends with its process."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _download_and_unpack(cache: Path, unpacked: Path) -> None:
    for tool in ("apt-get", "dpkg-deb"):
        if shutil.which(tool) is None:
            raise PromptsUnavailable(f"{tool} is not installed; the prompts come as Debian packages")
    downloads = cache / "packages"
    downloads.mkdir(parents=True, exist_ok=True)
    download = ["apt-get", "download", "-q", _SOUNDS_PACKAGE, _TEXT_PACKAGE]
    if _run(download, downloads).returncode != 0:
        lists = [
            "-o",
            f"Dir::State::Lists={_folder(cache / 'lists')}",
            "-o",
            f"Dir::Cache={_folder(cache / 'apt')}",
        ]
        _run(["apt-get", "update", "-q", *lists], downloads)
        failed = _run([*download, *lists], downloads)
        if failed.returncode != 0:
            raise PromptsUnavailable(
                f"apt-get download {_SOUNDS_PACKAGE} failed: {_last_line(failed.stderr)}"
            )
    with tempfile.TemporaryDirectory(prefix="unpacked.", dir=cache) as folder:
        part = Path(folder) / "part"
        for package in sorted(downloads.glob("*.deb")):
            unpacking = _run(["dpkg-deb", "-x", str(package), str(part)], downloads)
            if unpacking.returncode != 0:
                raise PromptsUnavailable(
                    f"dpkg-deb could not unpack {package.name}: {_last_line(unpacking.stderr)}"
                )
        part.rename(unpacked)


def _folder(path: Path) -> Path:
    (path / "partial").mkdir(parents=True, exist_ok=True)
    (path / "archives" / "partial").mkdir(parents=True, exist_ok=True)
    return path.resolve()


def _run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command, cwd=folder, capture_output=True, text=True, check=False, timeout=_FETCH_TIMEOUT_S
        )
    except subprocess.TimeoutExpired:
        raise PromptsUnavailable(f"{command[0]} did not finish within {_FETCH_TIMEOUT_S} s") from None


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("W:")]
    return lines[-1].strip() if lines else "no message"
