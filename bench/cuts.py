"""Words lost or doubled where speech without a pause is cut: against the same speech cut at other places.

An error belongs to a cut if it lies within a second of it. At those places the same speech is heard once more
in other windows, most of which go on there, so that what is hard to hear by itself does not count.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import jiwer
import soundfile

from bench.figures import keep, measured_here
from bench.long import CONTINUOUS_S, PLAIN, RATE_HZ, Stretch, stretches, telephone_speech
from chalicelib.engines import catalogue, loading
from chalicelib.engines.catalogue import BASE_MODELS
from chalicelib.engines.protocol import Recognizer
from chalicelib.engines.whisper.decoding import cutting
from chalicelib.engines.whisper.mel import SAMPLE_RATE_HZ
from chalicelib.engines.whisper.model.short_window import WINDOW
from chalicelib.recognition.audio import channels, recordings
from chalicelib.recognition.function import transcription
from infra.local.demo.scoring import normalise

NARROWBAND = BASE_MODELS["en-US_NarrowbandModel"].newest_version
OTHER_EARLIEST_SHARE, OTHER_MOST_S = 0.5, 15.0
"""Other windows: most of their cuts are where the usual ones have none."""
AT_A_CUT_S = 1.0
"""What lies so near belongs to it."""
KINDS = {"delete": "lost", "insert": "doubled", "substitute": "others"}


@dataclass(frozen=True)
class Heard:
    """What was heard of a stretch of speech."""

    words: tuple[tuple[str, float, float], ...]
    """Each with its begin and end in seconds."""
    cuts_s: tuple[float, ...]
    """Where the speech was cut: within utterances, and between those that adjoin."""


@dataclass(frozen=True)
class Wrong:
    """Words of one kind that are wrong at one place."""

    kind: str
    words: int
    begin_s: float
    end_s: float

    def is_at(self, cuts_s: Sequence[float]) -> bool:
        """Return whether a cut is near."""
        return any(self.begin_s - AT_A_CUT_S <= cut_s <= self.end_s + AT_A_CUT_S for cut_s in cuts_s)


def hear(recognizer: Recognizer, stretch: Stretch) -> Heard:
    """Recognise a stretch as the service does: detection, utterances, the engine's own cuts."""
    words: list[tuple[str, float, float]] = []
    cuts_s: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "recording.wav"
        soundfile.write(source, stretch.samples, RATE_HZ, subtype="PCM_16")
        rate_hz = catalogue.base_version(NARROWBAND).rate_hz
        least_rate_hz = catalogue.base_model_of_version(NARROWBAND).least_rate_hz
        with recordings.decoded(source, None, rate_hz, least_rate_hz=least_rate_hz) as recording:
            for one in channels.find(recording, transcription.cutting(PLAIN), PLAIN):
                samples = one.recording.samples(one.span.start, one.span.end)
                start_s = one.span.start / rate_hz
                cuts_s += [start_s + begin / rate_hz for begin, _ in cutting.cut(samples, WINDOW)]
                found = recognizer.recognize(samples).hypotheses
                words += [
                    (part, start_s + word.start_s, start_s + word.end_s)
                    for word in (found[0].words if found else ())
                    for part in normalise(word.text).split()
                ]
    return Heard(tuple(words), tuple(cuts_s[1:]))


def wrong(said: str, heard: Heard) -> Iterator[Wrong]:
    """Yield what was heard wrong of a text."""
    text = " ".join(word for word, _, _ in heard.words)
    for chunk in jiwer.process_words(normalise(said), text).alignments[0]:
        if chunk.type == "equal":
            continue
        # What was lost lies between the words around it.
        around = heard.words[max(0, chunk.hyp_start_idx - 1) : chunk.hyp_end_idx + 1]
        inner = heard.words[chunk.hyp_start_idx : chunk.hyp_end_idx]
        begin_s, end_s = (inner[0][1], inner[-1][2]) if inner else (around[0][2], around[-1][1])
        count = max(chunk.hyp_end_idx - chunk.hyp_start_idx, chunk.ref_end_idx - chunk.ref_start_idx)
        yield Wrong(KINDS[chunk.type], count, begin_s, end_s)


def rates(found: Sequence[Wrong], words: int) -> dict[str, float]:
    """Return wrong words by kind, in per cent of those that were said."""
    by_kind = {
        kind: sum(one.words for one in found if one.kind == kind) for kind in ("lost", "doubled", "others")
    }
    return {kind: round(100 * count / words, 2) for kind, count in by_kind.items()} | {
        "all": round(100 * sum(by_kind.values()) / words, 2)
    }


def measure(parts: Sequence[Stretch]) -> dict[str, Any]:
    """Compare the engine's own cuts with others."""
    recognizer = loading.load(NARROWBAND)
    usual = [hear(recognizer, part) for part in parts]
    with (
        mock.patch.object(cutting, "_EARLIEST_SHARE", OTHER_EARLIEST_SHARE),
        mock.patch.object(cutting, "most_samples", lambda _: round(OTHER_MOST_S * SAMPLE_RATE_HZ)),
    ):
        other = [hear(recognizer, part) for part in parts]
    words = sum(len(normalise(part.text).split()) for part in parts)
    figures: dict[str, Any] = {
        "audio_s": round(sum(part.duration_s for part in parts)),
        "words": words,
        "cuts": sum(len(one.cuts_s) for one in usual),
    }
    for name, heard in (("usual", usual), ("other_windows", other)):
        everywhere = [list(wrong(part.text, one)) for part, one in zip(parts, heard, strict=True)]
        at_cuts = [
            one
            for of_part, cut in zip(everywhere, usual, strict=True)
            for one in of_part
            if one.is_at(cut.cuts_s)
        ]
        figures[name] = rates([one for of_part in everywhere for one in of_part], words)
        figures[f"{name}_at_cuts"] = rates(at_cuts, words)
    figures["difference_at_cuts"] = {
        kind: round(figures["usual_at_cuts"][kind] - figures["other_windows_at_cuts"][kind], 2)
        for kind in figures["usual_at_cuts"]
    }
    return figures


def main(argv: Sequence[str]) -> int:
    """Measure; print and write `.attune/bench/cuts.json`."""
    parser = argparse.ArgumentParser(prog="python -m bench cuts", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0, help="of speech without a pause (60)")
    arguments = parser.parse_args(argv)
    recordings_of_telephones = telephone_speech()
    if not recordings_of_telephones:
        return 0
    figures = measure(stretches(recordings_of_telephones, arguments.minutes, CONTINUOUS_S, seed=2))
    for name, found in figures.items():
        print(f"{name:22} {found}")
    keep("cuts", figures | measured_here())
    return 0
