"""Diarised words in the shape of Watson's `speaker_labels`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib.audio.speech.voice_features import VoiceFeatures
from chalicelib.recognition.audio.diarization import TimedWord, diarized


def speaker_labels(results: Sequence[Mapping[str, Any]], voices: VoiceFeatures) -> list[dict[str, Any]]:
    """Return a label for each word of final results that carry `timestamps`.

    Args:
        results: entries of `results`, of one recording.
        voices: gathered from all of it.
    """
    words = [
        TimedWord(start_s, end_s)
        for result in results
        for _, start_s, end_s in result["alternatives"][0]["timestamps"]
    ]
    labels = diarized(words, voices)
    return [
        {
            "from": label.word.start_s,
            "to": label.word.end_s,
            "speaker": label.speaker,
            "confidence": round(label.confidence, 3),
            "final": number == len(labels),
        }
        for number, label in enumerate(labels, start=1)
    ]
