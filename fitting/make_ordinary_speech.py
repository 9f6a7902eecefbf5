"""Makes the recordings of ordinary speech that results are judged on, and those that training replays.

`python -m fitting.make_ordinary_speech [FOLDER]`. `transcripts.tsv` in the folder says who reads what,
and how that is heard; the recordings named there are made anew. Run by hand, with the packages of
requirements/fitting.txt, and Debian's flite and ffmpeg.
"""

from __future__ import annotations

import argparse
import csv
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from fitting.synthesisers import espeak, flite, hibari, write_wav
from training_image.speech.microphones import (
    Sound,
    at_peak,
    in_noise,
    in_room,
    of_another_size,
    through_telephone,
)
from training_image.speech.non_speech import RATE_HZ
from training_image.speech.ordinary_speech import FOLDER, LISTING

_BITS_PER_S = 24_000
_BEFORE_S, _BEHIND_S = 0.15, 0.25
"""Silence around the speech."""


def read_out(voice: str, text: str, random: np.random.Generator) -> Sound:
    """Return a text read out by a voice of the listing, at a pace of its own each time.

    Args:
        voice: `hibari:0.9` (the one voice, as from a head of another size), `flite:slt`, `espeak:en-gb`.
        text: with capitals and punctuation.
        random: what the pace is drawn from.

    Raises:
        ValueError: no synthesiser has that name.
    """
    pace = random.uniform(0.9, 1.2)
    synthesiser, _, kind = voice.partition(":")
    match synthesiser:
        case "hibari":
            factor = float(kind)
            return of_another_size(hibari(text, pace / factor, int(random.integers(1000))), factor)
        case "flite":
            return flite(text, kind, 1.1 / pace)
        case "espeak":
            return espeak(text, kind, round(155 * pace))
    raise ValueError(f"no synthesiser {synthesiser!r}: hibari, flite, espeak")


def heard(line: str, sound: Sound, random: np.random.Generator) -> Sound:
    """Return a sound as the listing's line carries it.

    Args:
        line: parts joined by `+`: `clean`, `faint`, `room`, `telephone`, `noise:15`
            (its ratio in dB).
        sound: as it was read out.
        random: what noises and echoes are drawn from.

    Raises:
        ValueError: there is no such part.
    """
    peak_db = random.uniform(-9, -2)
    for part in line.split("+"):
        kind, _, value = part.partition(":")
        match kind:
            case "clean":
                pass
            case "faint":
                peak_db = -26.0
            case "room":
                sound = in_room(sound, random.uniform(0.25, 0.5), random.uniform(0.8, 1.5), random)
            case "noise":
                sound = in_noise(sound, random.uniform(0, 2), float(value), random)
            case "telephone":
                sound = through_telephone(at_peak(sound, peak_db))
            case _:
                raise ValueError(f"no line {kind!r}: clean, faint, room, noise, telephone")
    return at_peak(sound, peak_db)


def recording(number: int, row: Mapping[str, str]) -> Sound:
    """Return what a row of the listing says, before it is coded; the same for the same row at the same place.

    Args:
        number: place in the listing, from 0.
        row: its `voice`, `line` and `written` sentence.
    """
    random = np.random.default_rng((number, len(row["written"])))
    spoken = read_out(row["voice"], row["written"], random)
    return heard(row["line"], np.pad(spoken, (int(_BEFORE_S * RATE_HZ), int(_BEHIND_S * RATE_HZ))), random)


def _encode(sound: Sound, path: Path) -> None:
    """Write Opus in Ogg, the same bytes for the same sound and version of ffmpeg."""
    with tempfile.TemporaryDirectory() as folder:
        wav = Path(folder) / "sound.wav"
        write_wav(wav, sound)
        command = ["ffmpeg", "-loglevel", "error", "-y", "-i", str(wav), "-map_metadata", "-1"]
        command += [
            "-c:a",
            "libopus",
            "-b:a",
            str(_BITS_PER_S),
            "-fflags",
            "+bitexact",
            "-flags",
            "+bitexact",
        ]
        subprocess.run([*command, str(path)], check=True)


def main(argv: Sequence[str]) -> int:
    """Make every recording of the listing."""
    parser = argparse.ArgumentParser(prog="python -m fitting.make_ordinary_speech", description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=FOLDER, help="holds transcripts.tsv")
    folder = parser.parse_args(argv).folder
    size_bytes, length_s = 0, 0.0
    with (folder / LISTING).open(newline="") as listing:
        for number, row in enumerate(csv.DictReader(listing, delimiter="\t")):
            sound = recording(number, row)
            path = folder / row["path"]
            path.parent.mkdir(parents=True, exist_ok=True)
            _encode(sound, path)
            size_bytes += path.stat().st_size
            length_s += len(sound) / RATE_HZ
    print(f"{number + 1} recordings, {length_s / 60:.1f} min, {size_bytes / 1e6:.2f} MB in {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
