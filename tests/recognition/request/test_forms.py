"""Multipart forms: metadata first, then audio, in pieces of any size."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.recognition.request import forms
from chalicelib.recognition.request.forms import BadForm, boundary_of, fields, metadata, uploads

BOUNDARY = "----b0undary"
Part = tuple[str, str | None, bytes]


def form(*parts: Part, end: bool = True) -> bytes:
    """Write a form as curl does."""
    body = b""
    for name, content_type, contents in parts:
        body += f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"; filename="x"\r\n'.encode()
        body += f"Content-Type: {content_type}\r\n".encode() if content_type else b""
        body += b"\r\n" + contents + b"\r\n"
    return body + (f"--{BOUNDARY}--\r\n".encode() if end else b"")


class Trickle(io.BytesIO):
    """Gives no more than so many bytes at once."""

    def __init__(self, data: bytes, at_once: int) -> None:
        super().__init__(data)
        self._at_once = at_once

    def read(self, size: int | None = -1) -> bytes:
        return super().read(self._at_once)


contents = st.binary(max_size=300) | st.just(f"\r\n--{BOUNDARY[:-1]}\r\n--".encode())


@given(audio=st.lists(contents, min_size=1, max_size=4), at_once=st.integers(1, 400))
def test_every_byte_of_every_upload_is_kept(
    tmp_path_factory: pytest.TempPathFactory, audio: list[bytes], at_once: int
) -> None:
    folder = tmp_path_factory.mktemp("form")
    first: Part = ("metadata", "application/json", b'{"timestamps": true}')
    body = form(first, ("other", None, b"?"), *(("upload", "audio/wav", data) for data in audio))
    assert metadata(Trickle(body, at_once), BOUNDARY) == first[2]
    found = uploads(Trickle(body, at_once), BOUNDARY, folder)
    assert [upload.path.read_bytes() for upload in found] == audio
    assert [upload.size_bytes for upload in found] == [len(data) for data in audio]
    assert {upload.content_type for upload in found} == {"audio/wav"}


def test_no_more_is_read_than_the_metadata() -> None:
    body = io.BytesIO(form(("metadata", None, b"{}"), ("upload", None, bytes(3_000_000))))
    assert metadata(body, BOUNDARY) == b"{}"
    assert body.tell() < 1_000_000


@pytest.mark.parametrize(
    ("content_type", "boundary"),
    [
        (None, None),
        ("audio/wav", None),
        ("multipart/mixed; boundary=x", None),
        ("Multipart/Form-Data; boundary=xyz", "xyz"),
        ('multipart/form-data; charset=utf-8; boundary="a b"', "a b"),
    ],
)
def test_the_boundary(content_type: str | None, boundary: str | None) -> None:
    assert boundary_of(content_type) == boundary


@pytest.mark.parametrize("content_type", ["multipart/form-data", f"multipart/form-data; boundary={'x' * 71}"])
def test_a_boundary_that_cannot_be_used(content_type: str) -> None:
    with pytest.raises(BadForm, match="needs a boundary of 1 to 70 characters"):
        boundary_of(content_type)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "The form ends before its first part"),
        (b"RIFF....WAVE", "The body is not a multipart form with the boundary it announces"),
        (form(("upload", None, b"x")), "The first part of the form must be named 'metadata'"),
        (form(("metadata", None, b"{}"), end=False)[:-4], "The form ends before its first part"),
        (
            form(("metadata", None, bytes(forms.MAX_METADATA_BYTES + 300_000))),
            "may have at most 2097152 bytes",
        ),
    ],
)
def test_a_form_without_proper_metadata(body: bytes, message: str) -> None:
    with pytest.raises(BadForm, match=message):
        metadata(io.BytesIO(body), BOUNDARY)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (form(("metadata", None, b"{}")), "no part named 'upload'"),
        (form(("metadata", None, b"{}"), ("upload", None, b"x"), end=False), "The form is cut off"),
        (
            form(*[("upload", None, b"x")] * (forms.MAX_UPLOADS + 1)),
            "The form has more than 1000 parts named 'upload'",
        ),
    ],
)
def test_a_form_without_proper_audio(body: bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(BadForm, match=message):
        uploads(io.BytesIO(body), BOUNDARY, tmp_path)


def test_fields_are_read_in_any_order_around_files() -> None:
    body = form(
        ("file", "audio/mpeg", bytes(70_000)),
        ("model", None, b"whisper-1"),
        ("words[]", None, "grün".encode()),
        ("words[]", None, b"red"),
        ("file", None, b""),
    )
    found = fields(Trickle(body, 1000), BOUNDARY, "file")
    assert found.values == {"model": ("whisper-1",), "words[]": ("grün", "red")}
    assert [part.content_type for part in found.files] == ["audio/mpeg", None]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (form(("a", None, b"\xff")), "The field 'a' of the form is not UTF-8."),
        (form(("a", None, b"x"), end=False), "The form is cut off"),
        (form(("a", None, bytes(1_100_000))), "at most 1048576 bytes together"),
        (form(*[("a", None, b"")] * 1001), "more than 1000 fields"),
    ],
)
def test_fields_that_make_no_sense(body: bytes, message: str) -> None:
    with pytest.raises(BadForm, match=message):
        fields(io.BytesIO(body), BOUNDARY, "file")
