"""How many words get the right speaker, in made conversations of one to four of AN4's test speakers."""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from bench.acoustic import BROADBAND, NARROWBAND
from bench.conversations import Conversation, conversation, rightly_labelled, speaker_at, speakers
from bench.figures import keep, measured_here
from bench.recordings import RecordingsUnavailable
from chalicelib.engines.protocol import CustomModels
from chalicelib.recognition.decoding.decoders import DecoderPool
from chalicelib.recognition.function.transcription import transcribe
from chalicelib.recognition.request.options import Options

COUNTS = (1, 2, 3, 4)
WANTED = Options(timestamps=True, speaker_labels=True)


def label(talk: Conversation, pool: DecoderPool) -> list[dict[str, Any]]:
    """Recognise a conversation with the whole pipeline and return its speaker labels."""
    version = BROADBAND if talk.rate_hz == 16_000 else NARROWBAND
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "conversation.wav"
        soundfile.write(source, talk.samples, talk.rate_hz, subtype="PCM_16")
        answer = transcribe(source, None, version, CustomModels(), options=WANTED, pool=pool)
    labels: list[dict[str, Any]] = answer["speaker_labels"]
    return labels


def measure(talks: Sequence[Conversation], count: int, pool: DecoderPool) -> dict[str, Any]:
    """Return shares of words and of their time with the right speaker, and how often the number is right."""
    words, times, numbers = [], [], []
    for talk in talks:
        labels = label(talk, pool)
        truth = [speaker_at(talk.turns, (one["from"] + one["to"]) / 2) for one in labels]
        given = [one["speaker"] for one in labels]
        words.append(rightly_labelled(truth, given, [1.0] * len(labels)))
        times.append(rightly_labelled(truth, given, [one["to"] - one["from"] + 1e-6 for one in labels]))
        numbers.append(len(set(given)))
    return {
        "conversations": len(talks),
        "right_words": round(100 * float(np.mean(words)), 1),
        "diarization_error": round(100 - 100 * float(np.mean(times)), 1),
        "right_number": sum(number == count for number in numbers),
        "mean_number": round(float(np.mean(numbers)), 2),
    }


def main(argv: Sequence[str]) -> int:
    """Measure clean and through a telephone; print and write `.attune/bench/speakers.json`."""
    parser = argparse.ArgumentParser(prog="python -m bench speakers", description=__doc__)
    parser.add_argument("--conversations", type=int, default=20, help="for each number of speakers (20)")
    arguments = parser.parse_args(argv)
    try:
        known = speakers("test")
    except RecordingsUnavailable as reason:
        print(f"left out: {reason}")
        return 0
    figures: dict[str, Any] = measured_here()
    with DecoderPool(os.cpu_count() or 1) as pool:
        for name, telephone in (("clean", False), ("telephone", True)):
            for count in COUNTS:
                random = np.random.default_rng(100 * count)
                talks = [
                    conversation(known, count, random, telephone=telephone)
                    for _ in range(arguments.conversations)
                ]
                figures[f"{name}-{count}"] = measure(talks, count, pool)
                print(f"{name:9} {count} speakers  {figures[f'{name}-{count}']}", flush=True)
    keep("speakers", figures)
    return 0
