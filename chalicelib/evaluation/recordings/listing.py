"""Utterances that are recognised in an evaluation, as a listing in the bucket keeps them."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from chalicelib.evaluation.recordings.transcripts import TranscriptFinding
from chalicelib.storage import objects


@dataclass(frozen=True)
class ListedUtterance:
    """One of them; its audio lies under a key with its number."""

    number: int
    file: str
    """The recording: its path in the archive of a test set, or the name of a custom model's audio."""
    duration_s: float
    start_s: float | None = None
    """Where it begins in the recording; None: it is all of it."""
    end_s: float | None = None
    content_type: str | None = None
    """Of its audio, as recognition is told; None: to be detected."""
    text: str | None = None
    """What is said; None: nobody knows."""
    member: str | None = None
    """Of a custom model's archive."""


@dataclass(frozen=True)
class UtteranceListing:
    """All of them, and what was left out."""

    utterances: tuple[ListedUtterance, ...]
    findings: tuple[TranscriptFinding, ...] = ()
    findings_left_out: int = 0
    """How many more there were."""

    def store(self, key: str) -> None:
        """Put it into the bucket."""
        objects.put(key, json.dumps(dataclasses.asdict(self)).encode(), "application/json")

    @classmethod
    def fetch(cls, key: str) -> Self:
        """Read what `store` has put there.

        Raises:
            objects.ObjectNotFound: there is none.
        """
        fields: dict[str, Any] = json.loads(objects.get(key))
        return cls(
            tuple(ListedUtterance(**one) for one in fields["utterances"]),
            tuple(TranscriptFinding(**one) for one in fields["findings"]),
            fields["findings_left_out"],
        )


def bounded(findings: Sequence[TranscriptFinding], most: int) -> tuple[tuple[TranscriptFinding, ...], int]:
    """Return as many findings as are kept, and how many more there are."""
    return tuple(findings[:most]), max(0, len(findings) - most)
