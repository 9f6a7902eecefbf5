"""What benches ask of an adaptation by the environment: true transcripts, and the whole change."""

from __future__ import annotations

import csv
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from training_image.speech.utterances import Utterance

TRANSCRIPTS_VARIABLE = "ATTUNE_TRAINING_TRANSCRIPTS"
"""A TSV file of audio_name, member and transcript: the bound that true transcripts of the same audio give.

A recording that was cut into several utterances teaches nothing then: nobody knows where in it what was said.
"""
KEEP_VARIABLE = "ATTUNE_TRAINING_KEEP_ALL"
WHOLE_CHANGE = "whole-delta.safetensors"
"""Among the checkpoints: the change before the guard took a share of it."""


def true_transcripts(
    utterances: Sequence[Utterance], environment: Mapping[str, str] = os.environ
) -> dict[int, str] | None:
    """Return what is said in the utterances, by place; None where nobody asks for it.

    Raises:
        OSError: the file cannot be read.
    """
    path = environment.get(TRANSCRIPTS_VARIABLE)
    if not path:
        return None
    with Path(path).open(newline="", encoding="utf-8") as listing:
        said = {
            (row["audio_name"], row["member"]): row["transcript"]
            for row in csv.DictReader(listing, delimiter="\t")
        }
    parts = Counter((one.audio_name, one.member or "") for one in utterances)
    return {
        place: said[key]
        for place, one in enumerate(utterances)
        if parts[key := (one.audio_name, one.member or "")] == 1 and key in said
    }


def keep_whole_change(content: bytes, folder: Path, environment: Mapping[str, str] = os.environ) -> None:
    """Leave the whole change among the checkpoints, if that is asked for."""
    if environment.get(KEEP_VARIABLE):
        (folder / WHOLE_CHANGE).write_bytes(content)
