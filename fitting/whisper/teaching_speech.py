"""Makes ordinary speech of many voices, lengths and lines, without a person who would have to be asked.

`python -m fitting.whisper.teaching_speech TEXT OUTPUT --recordings FOLDER`. Synthesisers read passages
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
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from fitting.synthesisers import espeak, flite, hibari, read_wav, write_wav
from training_image.speech.microphones import (
    Sound,
    at_peak,
    in_noise,
    in_room,
    of_another_size,
    through_telephone,
)
from training_image.speech.non_speech import RATE_HZ, coloured

LONGEST_S = 27.0

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


def voices(choice: random.Random) -> list[tuple[float, str, Callable[[str], Sound]]]:
    """Return the share, the name and the voice of each synthesiser."""

    def american(text: str) -> Sound:
        return hibari(text, choice.uniform(0.8, 1.35), choice.randrange(1000))

    def of_flite(text: str) -> Sound:
        stretch = choice.uniform(0.8, 1.25)
        return flite(text, choice.choice(_FLITE_VOICES), stretch)

    def of_espeak(text: str) -> Sound:
        words_a_minute = choice.randint(130, 210)
        return espeak(text, choice.choice(_ESPEAK_VOICES), words_a_minute)

    return [(0.5, "hibari", american), (0.3, "flite", of_flite), (0.2, "espeak", of_espeak)]


def unspoken(choice: random.Random) -> Sound:
    """Return a few seconds in which nobody speaks: noise of some colour, tones, near silence."""
    noise = np.random.default_rng(choice.randrange(1 << 30))
    count = int(RATE_HZ * choice.uniform(0.5, 9))
    if choice.random() < 0.2:
        pitches_hz = noise.uniform(80, 3000, count // 4000 + 1).repeat(4000)[:count]
        return (0.3 * np.sin(2 * np.pi * np.cumsum(pitches_hz) / RATE_HZ)).astype(np.float32)
    return choice.uniform(0.0003, 0.2) * coloured(count, choice.uniform(0, 2), noise)


def heard(sound: Sound, choice: random.Random) -> Sound:
    """Return a sound as some microphone hears it: another vocal tract, a telephone line, noise, faintly."""
    noise = np.random.default_rng(choice.randrange(1 << 30))
    if choice.random() < 0.6:
        sound = of_another_size(sound, choice.uniform(0.86, 1.16))
    if choice.random() < 0.35:
        sound = through_telephone(sound)
    if choice.random() < 0.2:
        sound = in_room(sound, choice.uniform(0.15, 0.5), choice.uniform(0.7, 2), noise)
    if choice.random() < 0.5:
        sound = in_noise(sound, choice.uniform(0, 2), choice.uniform(5, 35), noise)
    return at_peak(sound, choice.uniform(-30, -1))


def _cut(files: Sequence[Path], choice: random.Random) -> tuple[str, Sound]:
    path = choice.choice(files)
    sound = read_wav(path)
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
            write_wav(chosen.output / f"{number:05d}.wav", sound)
            rows.writerow((f"{number:05d}.wav", voice, text))
    print(
        f"{chosen.count} recordings, {total_s / 60:.1f} min, written to {chosen.output}; "
        f"the text has {len(prose)} sentences"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
