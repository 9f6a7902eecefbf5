"""Cutting audio into utterances."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.audio.speech.speech_activity import FRAME_S, Detection, Frames
from chalicelib.engines.protocol import Samples
from chalicelib.recognition.audio.recordings import DecodedRecording
from chalicelib.recognition.audio.utterances import (
    LONGEST_S,
    MARGIN_S,
    SHORTEST_PAUSE_S,
    Cutting,
    UtteranceCutter,
    UtteranceFinder,
    UtterancePiece,
    UtteranceSpan,
    find,
)
from tests.audio import signals

RATE_HZ = 8000


def recording(samples: signals.Samples) -> DecodedRecording:
    return DecodedRecording(np.round(samples * 32767).astype(np.int16), RATE_HZ)


def sounds(*parts: tuple[str, float]) -> DecodedRecording:
    """A recording of "voice" and "silence" (with the faint noise of a quiet room) of so many seconds each."""
    made: list[Samples] = []
    for kind, duration_s in parts:
        made.append(signals.noise(duration_s, RATE_HZ, level=0.0005, seed=len(made)))
        if kind == "voice":
            made[-1] += signals.voice(duration_s, RATE_HZ)
    return recording(np.clip(np.concatenate(made), -1, 1))


def frames(*seconds: tuple[float, bool]) -> Frames:
    """Judged frames: so many seconds of speech or not."""
    speech = np.concatenate([np.full(round(length / FRAME_S), spoken) for length, spoken in seconds])
    return Frames(speech, np.where(speech, -20.0, -70.0))


def cut(judged: Frames, pause_s: float = 0.8, *, everything: bool = False) -> list[tuple[float, float, str]]:
    """Utterances of frames, in seconds."""
    cutter = UtteranceCutter(pause_s, everything=everything)
    return joined([*cutter.add(judged), *cutter.end()])


def joined(pieces: list[UtterancePiece]) -> list[tuple[float, float, str]]:
    found: list[tuple[float, float, str]] = []
    start: int | None = None
    for piece in pieces:
        start = piece.start if start is None else start
        if piece.ending is not None:
            found.append((round(start * FRAME_S, 2), round(piece.end * FRAME_S, 2), piece.ending))
            start = None
    assert start is None
    return found


@st.composite
def judged_frames(draw: st.DrawFn) -> Frames:
    lengths = draw(
        st.lists(st.tuples(st.floats(0.02, 140.0) | st.floats(0.02, 1.5), st.booleans()), max_size=12)
    )
    made = frames(*lengths, (0.02, False))
    random = np.random.default_rng(draw(st.integers(0, 9)))
    return Frames(made.speech, made.levels_db + random.normal(0, 3, len(made.speech)))


@given(judged=judged_frames(), pause_s=st.floats(0.0, 120.0), everything=st.booleans())
@settings(deadline=None)
def test_utterances_cover_all_speech_in_order(judged: Frames, pause_s: float, everything: bool) -> None:
    found = cut(judged, pause_s, everything=everything)
    covered = np.zeros(len(judged.speech), np.bool_)
    for start_s, end_s, _ in found:
        assert 0 <= start_s < end_s <= start_s + LONGEST_S + 0.01
        covered[round(start_s / FRAME_S) : round(end_s / FRAME_S)] = True
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(found))
    assert covered[judged.speech].all()
    if everything:
        assert covered.all()


@given(judged=judged_frames(), pause_s=st.floats(0.1, 120.0))
@settings(deadline=None)
def test_only_long_pauses_separate_utterances_below_the_longest(judged: Frames, pause_s: float) -> None:
    edges = np.flatnonzero(np.diff(judged.speech, prepend=False, append=False)).reshape(-1, 2)
    pauses = [after[0] - before[1] for before, after in itertools.pairwise(edges.tolist())]
    long_pauses = sum(pause * FRAME_S >= pause_s - 1e-6 for pause in pauses)
    found = cut(judged, pause_s)
    forced = sum(ending == "reset" for *_, ending in found)
    assert len(found) - forced <= long_pauses + len(edges[:1])
    if not forced:
        assert len(found) == long_pauses + len(edges[:1])


@given(judged=judged_frames(), sizes=st.lists(st.integers(1, 5000), max_size=8), everything=st.booleans())
@settings(deadline=None)
def test_pieces_adjoin_and_nothing_earlier_is_asked_for(
    judged: Frames, sizes: list[int], everything: bool
) -> None:
    cutter = UtteranceCutter(0.8, everything=everything)
    places = [0, *np.cumsum(sizes).tolist(), len(judged.speech)]
    pieces: list[UtterancePiece] = []
    for start, end in itertools.pairwise(places):
        earliest = cutter.earliest_needed
        more = cutter.add(Frames(judged.speech[start:end], judged.levels_db[start:end]))
        assert all(piece.start >= earliest for piece in more)
        pieces += more
    pieces += cutter.end()
    assert joined(pieces) == cut(judged, everything=everything)
    for before, after in itertools.pairwise(pieces):
        assert after.start == before.end if before.ending is None else after.start >= before.end


@pytest.mark.parametrize(("pause_s", "expected"), [(0.5, 3), (1.0, 2), (2.5, 1)])
def test_the_length_of_a_pause_decides(pause_s: float, expected: int) -> None:
    whole = sounds(("silence", 1), ("voice", 2), ("silence", 0.8), ("voice", 2), ("silence", 2), ("voice", 2))
    assert len(find(whole, Cutting(pause_s))) == expected


@pytest.mark.parametrize("spoken_s", [117.5, 118.5, 119.5, 119.9])
@pytest.mark.parametrize("pause_s", [0.1, 0.8])
@pytest.mark.parametrize("silence_s", [0.02, 3.0])
def test_the_end_of_a_long_utterance_belongs_to_it(spoken_s: float, pause_s: float, silence_s: float) -> None:
    found = cut(frames((spoken_s, True), (silence_s, False)), pause_s)
    assert found[-1][1] >= spoken_s
    assert all(before[1] == after[0] for before, after in itertools.pairwise(found))


def test_margins_do_not_reach_into_the_neighbour() -> None:
    judged = frames((1, False), (1, True), (0.4, False), (0.6, True), (2, False), (0.9, True), (0.1, False))
    assert cut(judged, 0.2) == [
        (1.0 - MARGIN_S, 2.1, "silence"),
        (2.1, 3.1, "silence"),
        (5.0 - MARGIN_S, 6.0, "end_of_data"),
    ]


def test_an_utterance_ends_when_its_pause_is_long_enough() -> None:
    cutter = UtteranceCutter(0.8)
    assert not any(piece.ending for piece in cutter.add(frames((1, False), (2, True), (0.78, False))))
    (last,) = cutter.add(frames((0.02, False)))
    assert last == UtterancePiece(165, 165, "silence")


def test_a_long_utterance_ends_at_a_shorter_pause() -> None:
    assert cut(frames((112.0, True), (0.4, False), (40.0, True))) == [
        (0.0, 112.18, "reset"),
        (112.18, 152.4, "end_of_data"),
    ]


def test_without_a_pause_it_is_cut_where_it_is_quiet() -> None:
    judged = frames((150.0, True))
    judged.levels_db[5940:5950] = -50.0
    first, second = cut(judged)
    assert first[2] == "reset"
    assert first[1] == second[0]
    assert 118.8 <= first[1] <= 119.0


def test_pauses_separate_utterances_though_everything_counts_as_speech() -> None:
    whole = sounds(("silence", 2), ("voice", 2), ("silence", 2), ("voice", 2), ("silence", 2))
    found = find(whole, Cutting(0.8, Detection(sensitivity=1)))
    assert found[0].start == 0
    assert found[-1].end == len(whole.pcm)
    assert all(before.end == after.start for before, after in itertools.pairwise(found))
    assert 2 * RATE_HZ < found[0].end < 6 * RATE_HZ
    assert len(found) == 3


@pytest.mark.parametrize("hiss", [0.0, 0.0005, 0.005])
def test_a_pause_is_one_on_a_line_that_hisses(hiss: float) -> None:
    made = sounds(("silence", 1.5), ("voice", 2), ("silence", 1.5), ("voice", 2), ("silence", 1.5))
    noise = np.round(signals.noise(8.5, RATE_HZ, level=hiss) * 32767).astype(np.int16)
    found = find(DecodedRecording(made.pcm + noise, RATE_HZ), Cutting())
    assert len(found) == 2
    for span, start_s in zip(found, (1.5, 5.0), strict=True):
        assert start_s - 0.5 < span.start / RATE_HZ <= start_s
        assert start_s + 2.0 <= span.end / RATE_HZ < start_s + 2.5


def test_faint_speech_is_found() -> None:
    faint = sounds(("silence", 1), ("voice", 3), ("silence", 1)).pcm // 60
    found = find(DecodedRecording(faint.astype(np.int16), RATE_HZ), Cutting())
    assert found
    assert found[0].start <= 1.2 * RATE_HZ
    assert found[-1].end >= 3.8 * RATE_HZ


@pytest.mark.parametrize(
    "samples",
    [
        np.empty(0, np.float32),
        signals.silence(3, RATE_HZ),
        signals.noise(3, RATE_HZ),
        signals.tone(3, RATE_HZ),
    ],
    ids=["empty", "silence", "noise", "tone"],
)
def test_where_nobody_speaks_there_is_no_utterance(samples: signals.Samples) -> None:
    assert find(recording(samples), Cutting()) == []


@given(sizes=st.lists(st.integers(1, 40_000), min_size=1, max_size=10))
@settings(max_examples=20, deadline=None)
def test_a_stream_is_cut_like_a_file(sizes: list[int]) -> None:
    whole = sounds(("silence", 0.5), ("voice", 2), ("silence", 1.2), ("voice", 1), ("silence", 0.3))
    finder = UtteranceFinder(RATE_HZ)
    pieces: list[UtterancePiece] = []
    start = 0
    for size in itertools.cycle(sizes):
        if start >= len(whole.pcm):
            break
        pieces += finder.feed(whole.samples(start, start + size))
        start += size
    pieces += finder.finish()
    found: list[UtteranceSpan] = []
    begin: int | None = None
    for piece in pieces:
        begin = piece.start if begin is None else begin
        if piece.ending is not None:
            found.append(UtteranceSpan(begin, piece.end, piece.ending))
            begin = None
    assert found == find(whole, Cutting())


def test_silence_is_counted_from_the_last_speech() -> None:
    finder = UtteranceFinder(RATE_HZ)
    finder.feed(signals.noise(3, RATE_HZ, 0.0003))
    assert finder.silence_s == 3.0
    finder.feed(signals.voice(2, RATE_HZ))
    assert finder.silence_s < 0.5
    finder.feed(signals.noise(4, RATE_HZ, 0.0003))
    assert 3.8 < finder.silence_s < 4.3
    assert finder.earliest_needed > 8 * RATE_HZ


def test_nothing_is_silence_when_everything_counts_as_speech() -> None:
    finder = UtteranceFinder(RATE_HZ, Cutting(detection=Detection(sensitivity=1)))
    finder.feed(signals.silence(40, RATE_HZ))
    assert finder.silence_s == 0.0


def test_pauses_shorter_than_the_shortest_are_none() -> None:
    assert len(cut(frames((1, True), (SHORTEST_PAUSE_S - 0.02, False), (1, True)), 0.0)) == 1
