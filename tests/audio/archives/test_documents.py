"""What is plainly no audio, by name and content."""

from __future__ import annotations

import pytest

from chalicelib.audio.archives.documents import HEAD_BYTES, is_document
from tests.audio.signals import encoded, noisy_wav, voice

RAW = noisy_wav(1.0)[44:][:HEAD_BYTES]
"""16-bit samples without a header."""
MU_LAW = encoded(0.02 * voice(1.0, 8000), 8000, "RAW", "ULAW")[:HEAD_BYTES]


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("notes.txt", b"who called, and when\r\n"),
        ("calls/list.CSV", b"file;agent\n1.wav;Jos\xe9\n"),
        ("empty.txt", b""),
        ("wide.tsv", "name\tword".encode("utf-16")),
        ("README", b"# Recordings of May\n"),
        ("Записки", "кто звонил и когда".encode()),
        ("cut.txt", "ж".encode() * 10 + b"\xd0"),
        ("contract.pdf", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3"),
        ("table.xlsx", b"PK\x03\x04\x14\x00"),
        ("old.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
        ("line.png", b"\x89PNG\r\n\x1a\n\x00"),
        ("photo.webp", b"RIFF\x10\x00\x00\x00WEBPVP8 "),
        ("drawing.svg", b"<svg xmlns='http://www.w3.org/2000/svg'>"),
        ("phones.TextGrid", b'File type = "ooTextFile"\n'),
    ],
)
def test_documents_are_told_by_name_and_content(name: str, head: bytes) -> None:
    assert is_document(name, head)


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("a.wav", noisy_wav(1.0)[:HEAD_BYTES]),
        ("misnamed.txt", noisy_wav(1.0)[:HEAD_BYTES]),
        ("samples.txt", RAW),
        ("samples", RAW),
        ("sound.doc", RAW),
        ("empty", b""),
        ("a.wav", b"plain text in a file that is said to be audio"),
        ("nested.zip", b"PK\x03\x04\x14\x00"),
        ("silence", b"\xff" * HEAD_BYTES),
        ("quiet", b"\xff\xfe\xfd\xfe" * (HEAD_BYTES // 4)),
        ("hum.txt", b"\xff\xfe\xfd\xfe\xff\xfc" * 100),
        ("law", MU_LAW),
        ("law.txt", MU_LAW),
    ],
)
def test_audio_and_what_may_be_audio_is_looked_at(name: str, head: bytes) -> None:
    assert not is_document(name, head)
