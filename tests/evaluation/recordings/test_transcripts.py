from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.evaluation.recordings import transcripts
from chalicelib.evaluation.recordings.transcripts import ReferenceTranscript, TranscriptFinding


def _read(name: str, text: str) -> list[ReferenceTranscript | TranscriptFinding]:
    return list(transcripts.read(name, text.encode()))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("t.csv", 'file,transcript\na.wav,"hello, you"\n'),
        ("t.csv", "\ufeffID;Audio;Text\n1;a.wav;hello, you\n"),
        ("t.csv", 'a.wav,"hello,\nyou"\n'.replace("\n", " ", 1)),
        ("t.tsv", "client_id\tpath\tsentence\n1\ta.wav\thello, you\n"),
        ("t.jsonl", '{"audio_filepath": "a.wav", "text": "hello, you"}\n\n'),
        ("t.jsonl", '{"AUDIO": "a.wav", "Text": "hello, you", "duration": 3.0, "offset": 0}'),
    ],
)
def test_tables_as_people_have_them(name: str, text: str) -> None:
    (found,) = _read(name, text)
    assert isinstance(found, ReferenceTranscript)
    assert (found.file, found.text, found.source, found.start_s) in {
        ("a.wav", "hello, you", name, None),
        ("a.wav", "hello, you", name, 0.0),
    }


def test_a_text_beside_a_recording_has_its_name() -> None:
    assert _read("calls/a.txt", " hello\r\nyou \n") == [
        ReferenceTranscript("calls/a", "hello you", "calls/a.txt")
    ]
    assert list(transcripts.read("a.txt", "h\u00e9".encode("utf-16"))) == [
        ReferenceTranscript("a", "h\u00e9", "a.txt")
    ]


def test_stm_has_parts_of_recordings() -> None:
    text = (
        ";; a comment\ncall A me 0.5 2.25 <o,f0,male> hello you\ncall A me 3 4\n"
        "call A me 4 5 ignore_time_segment_in_scoring\n"
    )
    assert _read("t.stm", text) == [
        ReferenceTranscript("call", "hello you", "t.stm", 2, 0.5, 2.25),
        ReferenceTranscript("call", "", "t.stm", 3, 3.0, 4.0),
    ]


def test_a_part_may_have_an_end_or_a_length() -> None:
    for rest in ("start,end\na.wav,hello,1.5,4\n", "offset,duration\na.wav,hello,1.5,2.5\n"):
        assert _read("t.csv", f"audio,text,{rest}") == [
            ReferenceTranscript("a.wav", "hello", "t.csv", 2, 1.5, 4.0)
        ]


@pytest.mark.parametrize(
    ("name", "text", "line", "said"),
    [
        ("t.csv", "a,b,c\n1,2,3\n", None, "must name the columns"),
        ("t.csv", "file,text\n,hello\n", 2, "names no recording"),
        ("t.csv", "file,text\na.wav\n", 2, "has no transcript"),
        ("t.csv", "file,text,start\na.wav,hello,soon\n", 2, "must be seconds"),
        ("t.csv", "file,text,start\na.wav,hello,3\n", 2, "but not where it ends"),
        ("t.csv", "file,text,start,end\na.wav,hello,3,2\n", 2, "ends before it starts"),
        ("t.csv", "file,text,start,end\na.wav,hello,nan,2\n", 2, "must be seconds"),
        ("t.jsonl", "[1]\n", 1, "no JSON object"),
        ("t.jsonl", "{\n", 1, "no JSON object"),
        ("t.stm", "call A me hello\n", 1, "This line must have"),
        ("t.stm", "call A me 3 2 hello\n", 1, "ends before it starts"),
    ],
)
def test_what_cannot_be_read_is_said_with_its_line(name: str, text: str, line: int | None, said: str) -> None:
    (found,) = _read(name, text)
    assert isinstance(found, TranscriptFinding)
    assert (found.file, found.line) == (name, line)
    assert said in found.message


def test_a_text_that_is_not_utf_8_is_told() -> None:
    (found,) = transcripts.read("a.txt", b"caf\xe9")
    assert isinstance(found, TranscriptFinding)
    assert "not UTF-8" in found.message


@given(st.sampled_from(transcripts.ENDINGS), st.binary(max_size=200))
def test_anything_is_read_or_told(ending: str, data: bytes) -> None:
    for found in transcripts.read(f"t{ending}", data):
        assert isinstance(found, ReferenceTranscript | TranscriptFinding)
