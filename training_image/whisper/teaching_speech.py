"""Makes ordinary speech of many voices, lengths and lines, without a person who would have to be asked.

`python -m training_image.whisper.teaching_speech TEXT OUTPUT --recordings FOLDER`. Synthesisers read passages
of a text and made-up orders, numbers, names and spelled words. Where a folder of recordings is given, cuts of
them (other languages, music) are a share of the whole, and noise and tones another. What is heard through a
telephone, at a distance or faintly is a share, too. OUTPUT gets WAV files at 16 kHz and `speech.tsv`.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import random
import re
import subprocess
import sys
import tempfile
import wave
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

RATE_HZ = 16_000
LONGEST_S = 27.0
Sound = NDArray[np.float32]

_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z])")
_READABLE = re.compile(r"[A-Z][A-Za-z0-9 ,;:'\-]+[.!?]")
_FLITE_VOICES = ("awb", "rms", "slt", "kal16")
_ESPEAK_VOICES = ("en-us", "en-gb", "en-gb-scotland", "en-029", "en-us+f3", "en-gb+f2", "en-gb-x-rp+m3")
_NAMES = "Anna Miller,Peter Jones,Priya Sharma,Tom O'Neill,Maria Lopez,David Chen,Fatima Khan,George Baker"
_PLACES = "Boston,Leeds,Oakland,Glasgow,Denver,Sydney,Toronto,Bristol,Austin,Dublin"
_THINGS = "coffee filters,printer cables,train tickets,light bulbs,paint brushes,garden chairs,oranges"
_WORDS = "yes,no,stop,go,help,repeat,cancel,start,enter,next,hello,goodbye,okay,maybe,seven,nineteen,monday"


def sentences(text: str) -> list[str]:
    """Return the sentences of a text that can be read out as they stand, in their order."""
    found = []
    for paragraph in re.split(r"\n\s*\n", text):
        for sentence in _SENTENCE.split(" ".join(paragraph.split())):
            if _READABLE.fullmatch(sentence) and 2 <= len(sentence.split()) <= 40:
                found.append(sentence)
    return found


def passage(prose: Sequence[str], choice: random.Random) -> str:
    """Return something to say: prose of one to three sentences, or what people say to machines."""
    if choice.random() < 0.6:
        count = choice.choices((1, 2, 3), (7, 2, 1))[0]
        first = choice.randrange(max(1, len(prose) - count))
        return " ".join(prose[first : first + count])
    pick = {
        key: choice.choice(values.split(","))
        for key, values in (("name", _NAMES), ("place", _PLACES), ("thing", _THINGS), ("word", _WORDS))
    }
    letters = " ".join(choice.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ", k=choice.randint(3, 7)))
    digits = " ".join(choice.choices("0123456789", k=choice.randint(2, 9)))
    return choice.choice(
        (
            f"{pick['word']}.",
            f"{pick['word']}, {pick['thing']}.",
            f"Hello, this is {pick['name']} from {pick['place']}.",
            f"I would like {choice.randint(2, 99)} {pick['thing']}, please.",
            f"It is spelled {letters}.",
            f"{letters}.",
            f"My number is {digits}.",
            f"{digits}.",
            f"{letters} {choice.randint(10, 999)}.",
            f"Send it to {choice.randint(1, 400)} {pick['place']} Road by {choice.choice(('June', 'March'))} "
            f"{choice.randint(1, 30)}.",
            f"{pick['name']}, {pick['place']}, {choice.randint(1, 31)} {choice.choice(('May', 'October'))} "
            f"{choice.randint(1950, 2026)}.",
            f"You owe {choice.randint(1, 900)} dollars and {choice.randint(2, 99)} cents.",
        )
    )


def _spoken_by(command: Sequence[str]) -> Sound:
    with tempfile.TemporaryDirectory() as folder:
        wav = Path(folder) / "spoken.wav"
        subprocess.run([*command, str(wav)], check=True, capture_output=True)
        return _read(wav)


def _read(path: Path) -> Sound:
    """Return a WAV file of 16 bits at 16 kHz, its channels averaged."""
    with wave.open(str(path)) as file:
        raw = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, file.getnchannels())
        rate_hz = file.getframerate()
    return np.asarray(soxr.resample(raw.mean(axis=1) / 32768, rate_hz, RATE_HZ), np.float32)


def _write(path: Path, sound: Sound) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(np.rint(32767 * np.clip(sound, -1, 1)).astype("<i2").tobytes())


def voices(choice: random.Random) -> list[tuple[float, str, Callable[[str], Sound]]]:
    """Return the share, the name and the voice of each synthesiser that is installed."""
    from hibari import Hibari

    heart = Hibari()

    def hibari(text: str) -> Sound:
        spoken = heart(text, speed=choice.uniform(0.8, 1.35), seed=choice.randrange(1000))
        return np.asarray(soxr.resample(np.asarray(spoken, np.float32), 24_000, RATE_HZ), np.float32)

    def flite(text: str) -> Sound:
        stretch = f"duration_stretch={choice.uniform(0.8, 1.25):.2f}"
        return _spoken_by(
            ["flite", "-voice", choice.choice(_FLITE_VOICES), "--setf", stretch, "-t", text, "-o"]
        )

    def espeak(text: str) -> Sound:
        rate = str(choice.randint(130, 210))
        return _spoken_by(["espeak-ng", "-v", choice.choice(_ESPEAK_VOICES), "-s", rate, text, "-w"])

    return [(0.5, "hibari", hibari), (0.3, "flite", flite), (0.2, "espeak", espeak)]


def unspoken(choice: random.Random) -> Sound:
    """Return a few seconds in which nobody speaks: noise of some colour, tones, near silence."""
    noise = np.random.default_rng(choice.randrange(1 << 30))
    count = int(RATE_HZ * choice.uniform(0.5, 9))
    if choice.random() < 0.2:
        pitches_hz = noise.uniform(80, 3000, count // 4000 + 1).repeat(4000)[:count]
        return (0.3 * np.sin(2 * np.pi * np.cumsum(pitches_hz) / RATE_HZ)).astype(np.float32)
    return choice.uniform(0.0003, 0.2) * _coloured(count, choice.uniform(0, 2), noise)


def heard(sound: Sound, choice: random.Random) -> Sound:
    """Return a sound as some microphone hears it: another vocal tract, a telephone line, noise, faintly."""
    noise = np.random.default_rng(choice.randrange(1 << 30))
    if choice.random() < 0.6:
        faster = choice.uniform(0.86, 1.16)
        sound = soxr.resample(sound, faster * RATE_HZ, RATE_HZ)
    line = choice.random()
    if line < 0.35:
        narrow = np.clip(soxr.resample(sound, RATE_HZ, 8_000), -1, 1)
        coded = np.round(np.sign(narrow) * np.log1p(255 * np.abs(narrow)) / np.log1p(255) * 127) / 127
        narrow = np.sign(coded) * np.expm1(np.abs(coded) * np.log1p(255)) / 255
        sound = soxr.resample(narrow, 8_000, RATE_HZ)
    if choice.random() < 0.2:
        tail_s = choice.uniform(0.15, 0.5)
        time_s = np.arange(int(tail_s * RATE_HZ)) / RATE_HZ
        echoes = noise.standard_normal(len(time_s)) * 10 ** (-3 * time_s / tail_s)
        echoes[0] = np.sqrt((echoes**2).sum()) * choice.uniform(0.7, 2)
        size = len(sound) + len(echoes)
        spectrum = np.fft.rfft(sound, size) * np.fft.rfft(echoes / np.abs(echoes).max(), size)
        sound = np.fft.irfft(spectrum, size)[: len(sound)].astype(np.float32)
    if choice.random() < 0.5:
        power = float(np.mean(np.square(sound))) + 1e-9
        added = _coloured(len(sound), choice.uniform(0, 2), noise)
        sound = sound + added * np.sqrt(power / 10 ** (choice.uniform(5, 35) / 10))
    sound = sound / max(float(np.abs(sound).max()), 1e-6) * 10 ** (choice.uniform(-30, -1) / 20)
    return np.asarray(sound, np.float32)


def _coloured(count: int, slope: float, noise: np.random.Generator) -> Sound:
    """Return noise of power 1 that falls with the frequency to the power of `slope`, 50 Hz and below flat."""
    frequency_hz = np.maximum(np.fft.rfftfreq(count, 1 / RATE_HZ), 50)
    sound = np.fft.irfft(np.fft.rfft(noise.standard_normal(count)) * frequency_hz ** (-slope / 2), count)
    return np.asarray(sound / sound.std(), np.float32)


def _cut(files: Sequence[Path], choice: random.Random) -> tuple[str, Sound]:
    path = choice.choice(files)
    sound = _read(path)
    length = int(RATE_HZ * choice.uniform(1, 12))
    start = choice.randrange(max(1, len(sound) - length))
    return path.stem, sound[start : start + length]


def main(argv: Sequence[str]) -> int:
    """Write the speech and its listing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("text", type=Path, help="prose, plain or gzip")
    parser.add_argument("output", type=Path)
    parser.add_argument("--recordings", type=Path, help="folder of WAV files: no English speech")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args(argv)
    content = chosen.text.read_bytes()
    prose = sentences(
        (gzip.decompress(content) if chosen.text.suffix == ".gz" else content).decode("utf-8", "replace")
    )
    files = sorted(chosen.recordings.rglob("*.wav")) if chosen.recordings else []
    choice = random.Random(chosen.seed)
    readers = voices(choice)
    chosen.output.mkdir(parents=True, exist_ok=True)
    total_s = 0.0
    with (chosen.output / "speech.tsv").open("w", newline="") as listing:
        rows = csv.writer(listing, delimiter="\t")
        rows.writerow(("path", "voice", "text"))
        for number in range(chosen.count):
            kind = choice.random()
            if kind < 0.06:
                voice, text, sound = "nobody", "", unspoken(choice)
            elif kind < 0.14 and files:
                voice, sound = _cut(files, choice)
                text, sound = "", heard(sound, choice)
            else:
                (_, voice, say), text = (
                    choice.choices(readers, [one[0] for one in readers])[0],
                    passage(prose, choice),
                )
                sound = heard(say(text), choice)
            sound = sound[: int(LONGEST_S * RATE_HZ)]
            total_s += len(sound) / RATE_HZ
            _write(chosen.output / f"{number:05d}.wav", sound)
            rows.writerow((f"{number:05d}.wav", voice, text))
    print(
        f"{chosen.count} recordings, {total_s / 60:.1f} min, written to {chosen.output}; "
        f"the text has {len(prose)} sentences"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
