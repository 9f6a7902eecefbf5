from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.audio.formats import tags


def tag(size: int, flags: int = 0) -> bytes:
    length = bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\x04\0" + bytes([flags]) + length + bytes(size) + (b"3DI\x04\0\0" + length if flags else b"")


@given(
    st.lists(st.sampled_from([tag(0), tag(5), tag(5000), tag(300, 0x10)]), max_size=4), st.integers(1, 6000)
)
def test_tags_are_left_out(before: list[bytes], size: int) -> None:
    content = b"".join(before) + b"audio"
    untagged = tags.Untagged()
    found = b"".join(untagged.feed(content[at : at + size]) for at in range(0, len(content), size))
    assert found + untagged.feed(b"", final=True) == b"audio"
    assert untagged.found == bool(before)


@pytest.mark.parametrize(
    "content", [b"", b"I", b"ID3", b"ID4" + bytes(20), b"ID3\4\0\0\xff\xff\xff\xff" + bytes(9)]
)
def test_what_is_no_tag_is_given(content: bytes) -> None:
    untagged = tags.Untagged()
    assert untagged.feed(content) + untagged.feed(b"", final=True) == content
    assert not untagged.found
