"""Cues to WebVTT and SubRip, and what `Accept` asks for."""

from __future__ import annotations

import pytest

from chalicelib.recognition.results.cues import Cue
from chalicelib.recognition.results.subtitles import accepted, srt, vtt, written

CUES = [
    Cue(0.0, 1.5, "1 < 2 & 3 --> 4", "Speaker 0"),
    Cue(1.5, 3661.007, "He asked for water, but the kettle was still too hot.", "Speaker 0"),
    Cue(3662.0, 3663.0, "Yes.", "Speaker 1"),
]


def test_webvtt_has_voices_and_escapes_markup() -> None:
    assert vtt(CUES) == (
        "WEBVTT\n\n"
        "00:00:00.000 --> 00:00:01.500\n<v Speaker 0>1 &lt; 2 &amp; 3 --&gt; 4\n\n"
        "00:00:01.500 --> 01:01:01.007\n<v Speaker 0>He asked for water,\nbut the kettle was still too hot.\n\n"
        "01:01:02.000 --> 01:01:03.000\n<v Speaker 1>Yes.\n"
    )


def test_subrip_names_who_begins_to_speak() -> None:
    assert srt(CUES) == (
        "1\n00:00:00,000 --> 00:00:01,500\nSpeaker 0: 1 < 2 & 3 -> 4\n\n"
        "2\n00:00:01,500 --> 01:01:01,007\nHe asked for water,\nbut the kettle was still too hot.\n\n"
        "3\n01:01:02,000 --> 01:01:03,000\nSpeaker 1: Yes.\n"
    )


def test_silence_is_a_valid_file_too() -> None:
    assert (written([], "vtt"), written([], "srt")) == ("WEBVTT\n", "")
    assert vtt([Cue(0.0, 1.0, "Yes.")]) == "WEBVTT\n\n00:00:00.000 --> 00:00:01.000\nYes.\n"


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        (None, None),
        ("", None),
        ("*/*", None),
        ("text/vtt", "vtt"),
        ("Text/VTT; charset=utf-8", "vtt"),
        ("application/x-subrip", "srt"),
        ("text/srt", "srt"),
        ("text/vtt, application/json", "vtt"),
        ("application/json, text/vtt", None),
        ("application/json;q=0.5, text/vtt;q=0.9", "vtt"),
        ("text/vtt;q=0.1, */*", None),
        ("text/vtt;q=0, */*;q=0.1", None),
        ("text/vtt;q=x", None),
        ("text/*, application/x-subrip;q=0.2", "srt"),
    ],
)
def test_accept_decides(accept: str | None, wanted: str | None) -> None:
    assert accepted(accept) == wanted
