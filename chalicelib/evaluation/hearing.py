"""What one model recognises in a batch of utterances, by calls of the recognition function."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from chalicelib.evaluation.contenders import Contender
from chalicelib.evaluation.recordings.listing import ListedUtterance
from chalicelib.recognition.request import backend
from chalicelib.recognition.request.backend import RecognitionFailed
from chalicelib.storage import objects

_MOST_UTTERANCES = 25
_MOST_S = 120.0
"""Of a batch: what is lost if whoever is at it is killed."""


@dataclass(frozen=True)
class HeardUtterance:
    """What a model heard in an utterance."""

    number: int
    """Of the utterance."""
    text: str
    confidence: float | None
    """Mean over its words, 0…1; None: no words."""


class NotHeard(Exception):
    """An utterance cannot be recognised, whoever tries again; the text is for the user."""


def batches(utterances: Sequence[ListedUtterance]) -> list[list[ListedUtterance]]:
    """Return utterances in batches, always the same ones."""
    found: list[list[ListedUtterance]] = []
    length_s = 0.0
    for one in utterances:
        if not found or len(found[-1]) == _MOST_UTTERANCES or length_s + one.duration_s > _MOST_S:
            found.append([])
            length_s = 0.0
        found[-1].append(one)
        length_s += one.duration_s
    return found


def hear(
    batch: Sequence[ListedUtterance],
    contender: Contender,
    key_of: Callable[[int], str],
    *,
    owner: str,
    at_once: int,
) -> list[HeardUtterance]:
    """Return what a model hears in each utterance of a batch.

    Args:
        batch: the utterances.
        contender: the model.
        key_of: returns where the audio of an utterance lies, by its number.
        owner: whose they are.
        at_once: how many are recognised at the same time.

    Raises:
        NotHeard: an utterance cannot be recognised.
        RecognitionFailed: recognition did not succeed, but may when tried again.
    """

    def one(utterance: ListedUtterance) -> HeardUtterance:
        event = contender.event(key_of(utterance.number), utterance.content_type, owner)
        try:
            return _heard(utterance.number, backend.invoke(event))
        except RecognitionFailed as failure:
            if failure.code in (400, 415):
                raise NotHeard(
                    f"'{utterance.file}' could not be recognised with {contender.label}: {failure}"
                ) from None
            raise

    with ThreadPoolExecutor(at_once, thread_name_prefix="hear") as threads:
        asked = [threads.submit(one, utterance) for utterance in batch]
        try:
            return [answer.result() for answer in asked]
        except BaseException:
            threads.shutdown(cancel_futures=True)
            raise


def _heard(number: int, answer: Mapping[str, Any]) -> HeardUtterance:
    """Join what was heard phrase by phrase; a phrase counts for the confidence by its words."""
    texts: list[str] = []
    words, sure = 0, 0.0
    for result in answer["results"]:
        best = result["alternatives"][0]
        text = str(best["transcript"]).strip()
        count = max(1, len(text.split()))
        texts.append(text)
        words += count
        sure += count * float(best.get("confidence", 0.0))
    return HeardUtterance(number, " ".join(texts), round(sure / words, 3) if words else None)


def store(key: str, heard: Sequence[HeardUtterance]) -> None:
    """Put what was heard in a batch into the bucket."""
    objects.put(key, json.dumps([dataclasses.asdict(one) for one in heard]).encode(), "application/json")


def fetch(keys: Sequence[str]) -> dict[int, HeardUtterance]:
    """Return what was stored under some keys, by the number of the utterance.

    Raises:
        objects.ObjectNotFound: some of it is gone.
    """
    heard = (HeardUtterance(**one) for key in keys for one in json.loads(objects.get(key)))
    return {one.number: one for one in heard}
