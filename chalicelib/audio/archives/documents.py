"""What lies beside recordings in an archive and is plainly no audio: notes, transcripts, tables, pictures."""

from __future__ import annotations

import re
from typing import BinaryIO

HEAD_BYTES = 4096
"""So much of a file's beginning tells."""
_TEXT = re.compile(
    r".*\.(csv|css|html?|ini|jsonl?|log|md|rtf|srt|stm|sub|tab|text|textgrid|toml|trs|tsv|txt|vtt|xml|ya?ml)"
)
_OTHER = re.compile(r".*\.(bmp|docx?|gif|jpe?g|od[pst]|pdf|png|pptx?|svg|tiff?|webp|xlsx?)")
_BEGINNINGS = (
    *(b"%PDF-", b"\x89PNG\r\n", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\x00", b"MM\x00*"),
    *(b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"{\\rtf"),
)
"""Of documents and pictures; those of office programs are zip archives or OLE files."""
_WEBP = re.compile(rb"RIFF.{4}WEBP", re.S)
_NO_TEXT = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff")
_READABLE_SHARE, _ASCII_SHARE = 0.9, 0.7
_ASCII = 0x80
_LONGEST_CHARACTER = 4
"""Bytes."""


def is_document(name: str, head: bytes) -> bool:
    """Tell whether a file is plainly no audio: its name and its first bytes both say so.

    Args:
        name: with its folders.
        head: its first `HEAD_BYTES`, or all of it.
    """
    base = name.rsplit("/", 1)[-1].lower()
    if _OTHER.fullmatch(base):
        return head.startswith(_BEGINNINGS) or _WEBP.match(head) is not None or _is_text(head)
    if _TEXT.fullmatch(base):
        return _is_text(head)
    return "." not in base and bool(head) and _is_plain_text(head)


def is_document_file(name: str, file: BinaryIO) -> bool:
    """Tell the same of a file that is at its beginning, and leave it there."""
    head = file.read(HEAD_BYTES)
    file.seek(0)
    return is_document(name, head)


def _is_text(head: bytes) -> bool:
    """Tell whether bytes are text, in whatever encoding."""
    if head.startswith(_WIDE_MARKS):
        wide = head[: len(head) // 2 * 2].decode("utf-16", "replace").removesuffix("\ufffd")
        readable = sum(character.isprintable() or character.isspace() for character in wide)
        return readable >= _READABLE_SHARE * len(wide)
    return not head or _is_plain_text(head)


def _is_plain_text(head: bytes) -> bool:
    """Tell whether bytes have no control characters and are ASCII in the main, which raw audio never is."""
    ascii_bytes = sum(byte < _ASCII for byte in head)
    mostly_ascii = ascii_bytes >= _ASCII_SHARE * len(head)
    return _NO_TEXT.search(head) is None and (mostly_ascii or _is_utf8(head))


def _is_utf8(head: bytes) -> bool:
    """Tell whether bytes are UTF-8; the last character may be cut."""
    try:
        head.decode()
    except UnicodeDecodeError as error:
        return error.start >= len(head) - _LONGEST_CHARACTER and error.reason == "unexpected end of data"
    return True
