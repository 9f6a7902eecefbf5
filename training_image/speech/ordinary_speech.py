"""Ordinary speech with its transcripts, which comes with this program: where nothing may get worse.

How it was made, and under which licences, stands beside it.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from chalicelib.audio.decoding import read_mono
from chalicelib.audio.errors import AudioError
from training_image.failures import JobFailed

RATE_HZ = 16_000
FOLDER = Path(__file__).parent.parent / "data" / "ordinary-speech"
LISTING = "transcripts.tsv"
Part = Literal["guard", "replay"]
"""`guard` judges, `replay` reminds a model of ordinary speech while it learns: no sentence is in both."""


@dataclass(frozen=True)
class TranscribedUtterance:
    """An utterance, and what is said in it."""

    name: str
    samples: NDArray[np.float32]
    """Mono at 16 kHz, -1…1, shape (n,)."""
    transcript: str
    """Spoken words in lower case, separated by single spaces, numbers in words."""
    written: str
    """The same sentence with capitals and punctuation."""
    voice: str


def ordinary_speech(part: Part, folder: Path = FOLDER) -> Iterator[TranscribedUtterance]:
    """Yield the utterances of a part, in the listing's order.

    Raises:
        JobFailed: a file is missing or damaged.
    """
    try:
        with (folder / LISTING).open(newline="") as listing:
            rows = [row for row in csv.DictReader(listing, delimiter="\t") if row["part"] == part]
        for row in rows:
            samples = read_mono(folder / row["path"], None, RATE_HZ)
            yield TranscribedUtterance(row["path"], samples, row["transcript"], row["written"], row["voice"])
    except (OSError, AudioError, KeyError) as error:
        raise JobFailed(
            f"The ordinary speech that comes with the training program cannot be read ({error}). Have the "
            "operator deploy the image anew."
        ) from None
