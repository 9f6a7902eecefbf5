"""A long recording in pieces: cut by one call, decoded by many, put together by one.

First and last call go through `transcription.transcribe`, with something else in the place of the decoding
processes: what stores the utterances in the bucket, and in the end what fetches what was decoded of them. So
the answer is the one that a single call would give, with its times, speakers and metrics.
"""

from __future__ import annotations

import dataclasses
import io
import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from chalicelib.engines.protocol import (
    CustomModels,
    DecodedUtterance,
    DecodingOptions,
    Hypothesis,
    KeywordHit,
    Samples,
    Word,
    WordSlot,
)
from chalicelib.recognition.decoding.decoder_worker import Task
from chalicelib.recognition.decoding.decoders import DecoderPool, DecodingFailed, OwnersShare
from chalicelib.storage import objects

OBJECTS_AT_ONCE = 8
"""So many pieces are put into the bucket, or fetched, at the same time: S3 takes 0.1 to 0.2 s for each."""
_FULL_SCALE = 32768.0


Utterance = TypeVar("Utterance")


def grouped(
    utterances: Iterable[Utterance], length: Callable[[Utterance], float], enough: float
) -> Iterator[tuple[list[Utterance], bool]]:
    """Yield pieces: utterances in order, until their lengths together are enough; whether they are, too."""
    piece, together = list[Utterance](), 0.0
    for utterance in utterances:
        piece.append(utterance)
        together += length(utterance)
        if together >= enough:
            yield piece, True
            piece, together = [], 0.0
    if piece:
        yield piece, False


class WasCut(Exception):
    """The recording is long: its utterances lie in the bucket, in so many pieces."""

    def __init__(self, pieces: int) -> None:
        super().__init__(pieces)
        self.pieces = pieces


@dataclass(frozen=True)
class PieceCutter:
    """Stores the utterances of a long recording; decodes those of a short one at once."""

    prefix: str
    """Of the pieces' keys."""
    decoder: DecoderPool | OwnersShare
    rate_hz: int
    piece_s: float
    """Speech in a piece, to the end of an utterance, which is at most two minutes later."""

    def decode(self, tasks: Iterable[Task]) -> Iterator[DecodedUtterance]:
        """Decode the utterances if they are few.

        Raises:
            WasCut: they are many.
        """
        pieces, stored = 0, deque[Future[None]]()
        with ThreadPoolExecutor(OBJECTS_AT_ONCE) as storing:
            for piece, full in grouped(tasks, lambda task: len(task.samples), self.piece_s * self.rate_hz):
                if pieces == 0 and not full:
                    yield from self.decoder.decode(piece)
                    return
                if len(stored) == OBJECTS_AT_ONCE:  # no more of them in memory
                    stored.popleft().result()
                stored.append(storing.submit(self._store, pieces, piece))
                pieces += 1
            for one in stored:
                one.result()
        if pieces:
            raise WasCut(pieces)

    def _store(self, number: int, piece: list[Task]) -> None:
        joined = np.concatenate([task.samples for task in piece])
        packed = io.BytesIO()
        np.savez(
            packed,
            pcm=np.rint(joined * _FULL_SCALE).astype(np.int16),
            lengths=np.array([len(task.samples) for task in piece], np.int64),
        )
        objects.put(_samples_key(self.prefix, number), packed.getvalue())


def decode_piece(
    prefix: str,
    number: int,
    *,
    base_version: str,
    custom: CustomModels,
    wanted: DecodingOptions,
    decoder: DecoderPool | OwnersShare,
) -> None:
    """Decode a piece that a `PieceCutter` has stored, and store what was said in it.

    Raises:
        DecodingFailed: the engine failed, or the piece is gone.
        engines.errors.ModelUnreadable: a custom model is damaged or made for another base version.
    """
    tasks = [Task(base_version, custom, samples, wanted) for samples in _utterances(prefix, number)]
    said = [
        {"length": len(task.samples), "decoded": dataclasses.asdict(decoded)}
        for task, decoded in zip(tasks, decoder.decode(tasks), strict=True)
    ]
    objects.put(_said_key(prefix, number), json.dumps(said).encode(), "application/json")


@dataclass(frozen=True)
class Gatherer:
    """Gives what was decoded piece by piece."""

    prefix: str
    pieces: int

    def decode(self, tasks: Iterable[Task]) -> Iterator[DecodedUtterance]:
        """Give what was said in each utterance.

        Raises:
            DecodingFailed: the pieces are gone, or were cut in another way than the recording is now.
        """
        stored = self._stored()
        for task in tasks:
            said = next(stored, None)
            if said is None or said["length"] != len(task.samples):
                raise DecodingFailed("the pieces are not those of the recording")
            yield _decoded(said["decoded"])
        if next(stored, None) is not None:
            raise DecodingFailed("the pieces are more than the recording has")

    def _stored(self) -> Iterator[dict[str, Any]]:
        keys = [_said_key(self.prefix, number) for number in range(self.pieces)]
        with ThreadPoolExecutor(OBJECTS_AT_ONCE) as fetching:
            for said in fetching.map(_fetched, keys):
                yield from json.loads(said)


def _utterances(prefix: str, number: int) -> Iterator[Samples]:
    with np.load(io.BytesIO(_fetched(_samples_key(prefix, number))), allow_pickle=False) as piece:
        pcm, lengths = piece["pcm"], piece["lengths"]
    start = 0
    for length in lengths.tolist():
        yield pcm[start : start + length].astype(np.float32) / np.float32(_FULL_SCALE)
        start += length


def _fetched(key: str) -> bytes:
    try:
        return objects.get(key)
    except objects.ObjectNotFound:
        raise DecodingFailed("a piece of the recording is gone") from None


def _samples_key(prefix: str, number: int) -> str:
    return f"{prefix}{number:06d}.npz"


def _said_key(prefix: str, number: int) -> str:
    return f"{prefix}{number:06d}.json"


def _decoded(values: dict[str, Any]) -> DecodedUtterance:
    """Read what `dataclasses.asdict` made of it."""
    return DecodedUtterance(
        hypotheses=tuple(
            Hypothesis(tuple(Word(**word) for word in reading["words"]), reading["posterior"])
            for reading in values["hypotheses"]
        ),
        slots=tuple(
            WordSlot(slot["start_s"], slot["end_s"], tuple((word, p) for word, p in slot["alternatives"]))
            for slot in values["slots"]
        ),
        keywords=tuple(KeywordHit(**hit) for hit in values["keywords"]),
    )
