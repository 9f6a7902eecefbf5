from __future__ import annotations

import io
import itertools
import os

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.audio import ogg
from tests.audio.signals import encoded, voice

ONE = encoded(voice(1, 16000), 16000, "OGG", "OPUS")
OTHER = encoded(voice(2, 16000), 16000, "OGG", "VORBIS")


def test_each_recording_is_found() -> None:
    assert ogg.links(io.BytesIO(ONE)) == [(0, len(ONE))]
    ends = [len(ONE), len(ONE) + len(OTHER), 2 * len(ONE) + len(OTHER)]
    assert ogg.links(io.BytesIO(ONE + OTHER + ONE)) == list(zip([0, *ends[:2]], ends, strict=True))


def test_the_first_pages_of_several_streams_begin_one_recording() -> None:
    first_page = 27 + ONE[26] + sum(ONE[27 : 27 + ONE[26]])
    assert ogg.links(io.BytesIO(ONE[:first_page] + ONE)) == [(0, first_page + len(ONE))]


def test_what_follows_that_is_no_page_belongs_to_the_recording_before() -> None:
    assert ogg.links(io.BytesIO(ONE + b"tags" + ONE)) == [(0, 2 * len(ONE) + 4)]


@given(st.binary(max_size=200), st.integers(0, len(ONE)))
def test_the_recordings_make_up_any_file(tail: bytes, cut: int) -> None:
    file = io.BytesIO(ONE[:cut] + ONE[: cut // 2] + tail)
    links = ogg.links(file)
    assert file.tell() == 0
    assert links[0][0] == 0
    assert links[-1][1] == len(file.getvalue())
    assert all(one[1] == other[0] for one, other in itertools.pairwise(links))


@given(st.data())
def test_a_window_reads_as_a_file_of_its_own(data: st.DataObject) -> None:
    content = bytes(range(100))
    start = data.draw(st.integers(0, 100))
    end = data.draw(st.integers(start, 100))
    window, file = ogg.Window(io.BytesIO(content), start, end), io.BytesIO(content[start:end])
    for _ in range(5):
        whence = data.draw(st.sampled_from([os.SEEK_SET, os.SEEK_CUR, os.SEEK_END]))
        offset = data.draw(st.integers(0 if whence == os.SEEK_SET else -file.tell(), 20))
        if whence == os.SEEK_END and offset < 0:
            offset = max(offset, start - end)
        assert window.seek(offset, whence) == file.seek(offset, whence)
        size = data.draw(st.integers(-1, 30))
        assert window.read(size) == file.read(size)
        assert window.tell() == file.tell()
