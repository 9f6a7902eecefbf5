"""How far the recogniser's word times are from a forced alignment, and what streaming costs and changes."""

from __future__ import annotations

import difflib
import io
import re
import time
from typing import Any

import numpy as np
import pocketsphinx
import soundfile

from bench.recordings import Recording
from chalicelib.engines import loading
from chalicelib.engines.sphinx.acoustics.acoustic_model import BUNDLED, DATA, load_base
from chalicelib.engines.sphinx.acoustics.features import FRAMES_PER_S
from chalicelib.engines.sphinx.engine import SphinxEngine

BLOCK_S, PARTIAL_EVERY_BLOCKS = 0.1, 3
_PRONUNCIATION = re.compile(r"\(\d+\)$")


ALIGNED_BY = "en-US_BroadbandModel.v2020-01-16"
"""The Gaussians that a forced alignment is made with."""


def compare_times(recordings: list[Recording], version: str, aligned_by: str | None = None) -> dict[str, Any]:
    """Compare the times of rightly recognised words with an alignment of what was really said, in milliseconds.

    Args:
        recordings: at the rate of both versions.
        version: what recognises.
        aligned_by: the version of the light engine that aligns; None: the same.
    """
    base, recognizer = load_base(aligned_by or version), loading.load(version)
    aligner = pocketsphinx.Decoder(
        hmm=str(BUNDLED), featparams=str(DATA / "feat.params"), lm=None, loglevel="FATAL"
    )
    off: list[tuple[float, float]] = []
    for recording in recordings:
        samples, _ = soundfile.read(io.BytesIO(recording.wav), dtype="float32")
        readings = recognizer.recognize(samples).hypotheses
        try:
            aligner.set_align_text(recording.text.lower())
        except RuntimeError:  # a word that the dictionary lacks
            continue
        aligner.start_utt()
        aligner.process_cep(base.cepstra(samples).astype(np.float32).tobytes(), full_utt=True)
        aligner.end_utt()
        aligned = [
            (_PRONUNCIATION.sub("", found.word), found.start_frame, found.end_frame + 1)
            for found in aligner.seg() or ()
            if found.word[:1] not in "<[("
        ]
        words = readings[0].words if readings else ()
        matcher = difflib.SequenceMatcher(
            a=[word.text for word in words], b=[text for text, _, _ in aligned], autojunk=False
        )
        off += [
            (
                words[block.a + place].start_s - aligned[block.b + place][1] / FRAMES_PER_S,
                words[block.a + place].end_s - aligned[block.b + place][2] / FRAMES_PER_S,
            )
            for block in matcher.get_matching_blocks()
            for place in range(block.size)
        ]
    starts, ends = 1000 * np.abs(np.array(off)).T
    both = np.concatenate([starts, ends])
    return {
        "words": len(off),
        "off_p50_ms": round(float(np.percentile(both, 50)), 1),
        "off_p95_ms": round(float(np.percentile(both, 95)), 1),
        "start_off_ms": round(float(starts.mean()), 1),
        "end_off_ms": round(float(ends.mean()), 1),
        "off_ms": round(float((starts.mean() + ends.mean()) / 2), 1),
        "start_off_p90_ms": round(float(np.percentile(starts, 90)), 1),
        "end_off_p90_ms": round(float(np.percentile(ends, 90)), 1),
    }


def compare_streams(recordings: list[Recording], version: str) -> dict[str, Any]:
    """Recognise recordings as a whole, and in blocks with partial results; times are of the processor."""
    recognizer = SphinxEngine().load(version)
    rate_hz = recognizer.sample_rate_hz
    same, whole_s, streamed_s = 0, 0.0, 0.0
    finish_s: list[float] = []
    partial_s: list[float] = []
    for recording in recordings:
        samples, _ = soundfile.read(io.BytesIO(recording.wav), dtype="float32")
        begun = time.process_time()
        whole = recognizer.recognize(samples)
        whole_s += time.process_time() - begun
        stream, begun = recognizer.stream(), time.process_time()
        for number, block in enumerate(
            np.split(samples, range(round(BLOCK_S * rate_hz), len(samples), round(BLOCK_S * rate_hz)))
        ):
            stream.feed(block)
            if number % PARTIAL_EVERY_BLOCKS == 0:
                asked = time.process_time()
                stream.partial()
                partial_s.append(time.process_time() - asked)
        ended = time.process_time()
        found = stream.finish()
        finish_s.append(time.process_time() - ended)
        streamed_s += time.process_time() - begun
        same += [one.text for one in found.hypotheses] == [one.text for one in whole.hypotheses]
    return {
        "recordings": len(recordings),
        "same_words": same,
        "cost": round(streamed_s / whole_s, 2),
        "finish_p50_s": round(float(np.percentile(finish_s, 50)), 3),
        "finish_p95_s": round(float(np.percentile(finish_s, 95)), 3),
        "partial_p95_ms": round(1000 * float(np.percentile(partial_s, 95)), 2),
    }
