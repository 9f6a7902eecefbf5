"""Recordings that libsndfile reads: WAV, FLAC, MP3, Ogg, AU, raw A-law and µ-law."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from io import FileIO
from typing import Any, BinaryIO, cast

import soundfile

from chalicelib.audio import libav, ogg, riff
from chalicelib.audio.content_types import ContentType
from chalicelib.audio.errors import Undecodable
from chalicelib.audio.stream import BLOCK_SAMPLES, AudioFormat, AudioStream, Samples, check_rate, tamed

_BASIC_RATE_HZ = 8000
# What libsndfile says when a file does not claim a length.
_UNKNOWN_FRAMES = (1 << 63) - 1
# Containers that may hold codecs which libsndfile does not have.
_LIBAV_READS_TOO = frozenset({"audio/wav", "audio/ogg"})

# Less after an empty data chunk is tags.
_UNFINISHED_BYTES = 4096

_PCM_CODECS = {
    "PCM_16": "pcm_s16",
    "PCM_24": "pcm_s24",
    "PCM_32": "pcm_s32",
    "FLOAT": "pcm_f32",
    "DOUBLE": "pcm_f64",
}
_CODECS = {
    "PCM_S8": "pcm_s8",
    "PCM_U8": "pcm_u8",
    "ULAW": "pcm_mulaw",
    "ALAW": "pcm_alaw",
    "IMA_ADPCM": "adpcm_ima_wav",
    "MS_ADPCM": "adpcm_ms",
    "GSM610": "gsm_ms",
    "G721_32": "adpcm_g726",
    "VORBIS": "vorbis",
    "OPUS": "opus",
    "MPEG_LAYER_I": "mp1",
    "MPEG_LAYER_II": "mp2",
    "MPEG_LAYER_III": "mp3",
}
_MAY_GO_BEYOND_ONE = frozenset(
    {"pcm_f32le", "pcm_f32be", "pcm_f64le", "pcm_f64be", "vorbis", "opus", "mp1", "mp2", "mp3"}
)


class SoundFileStream:
    """A recording opened with libsndfile."""

    def __init__(self, file: Any, essence: str) -> None:
        self._file = file
        self._essence = essence
        codec = _codec(file)
        announced = file.frames if 0 <= file.frames < _UNKNOWN_FRAMES else None
        self.format = AudioFormat(file.samplerate, file.channels, codec, announced)
        self._tame = codec in _MAY_GO_BEYOND_ONE

    def blocks(self) -> Iterator[Samples]:
        """Yield the samples.

        Raises:
            Undecodable: the recording is damaged here.
        """
        frames = max(1, BLOCK_SAMPLES // self.format.channels)
        while True:
            try:
                samples: Samples = self._file.read(frames, dtype="float32", always_2d=True)
            except soundfile.LibsndfileError as error:
                raise _undecodable(self._essence, error) from error
            if not len(samples):
                return
            yield tamed(samples) if self._tame else samples


class ChainedStream:
    """The recordings of a chained Ogg file as one, each opened when its turn has come."""

    def __init__(self, file: BinaryIO, links: list[tuple[int, int]], said: ContentType) -> None:
        """Look at all of them.

        Raises:
            Undecodable: one cannot be read, or is sampled in another way than the first.
        """
        self._file = file
        self._links = links
        self._said = said
        formats = []
        for link in range(len(links)):
            with self._opened(link) as stream:
                formats.append(stream.format)
        if len({(one.rate_hz, one.channels) for one in formats}) > 1:
            raise Undecodable(
                said.essence,
                f"The file holds {len(links)} recordings one after another, of several rates or channels. "
                "Send each as a file of its own, or convert the whole.",
            )
        self.format = replace(formats[0], announced_frames=None)

    def _opened(self, link: int) -> AbstractContextManager[AudioStream]:
        # libsndfile, like others, stops at the end of the first one and says nothing.
        return _opened(cast(BinaryIO, ogg.Window(self._file, *self._links[link])), self._said)

    def blocks(self) -> Iterator[Samples]:
        """Yield the samples.

        Raises:
            Undecodable: one of the recordings is damaged.
        """
        for link in range(len(self._links)):
            with self._opened(link) as stream:
                yield from stream.blocks()


@contextmanager
def opened(file: BinaryIO, said: ContentType) -> Iterator[AudioStream]:
    """Open a recording.

    Raises:
        Undecodable: it is not audio of that type.
    """
    links = ogg.links(file) if said.essence == "audio/ogg" else []
    if len(links) > 1:
        yield ChainedStream(file, links, said)
        return
    with _opened(file, said) as stream:
        yield stream


@contextmanager
def _opened(file: BinaryIO, said: ContentType) -> Iterator[AudioStream]:
    with ExitStack() as stack:
        try:
            sound = stack.enter_context(
                soundfile.SoundFile(_nameless(file), closefd=False, **_raw_format(file, said))
            )
        except soundfile.LibsndfileError as error:
            if said.essence not in _LIBAV_READS_TOO:
                raise _undecodable(said.essence, error) from error
            file.seek(0)
            try:
                stream: AudioStream = stack.enter_context(libav.opened(file, said.essence))
            except Undecodable:
                raise _undecodable(said.essence, error) from error
        else:
            check_rate(sound.samplerate, said.essence)
            if _is_unfinished(file, said, sound.frames):
                file.seek(0)
                stream = stack.enter_context(libav.opened(file, said.essence))
            else:
                stream = SoundFileStream(sound, said.essence)
        yield stream


def _is_unfinished(file: BinaryIO, said: ContentType, frames: int) -> bool:
    """Whether a recorder never came to write the length, which libsndfile cannot do without.

    It takes such a WAV file for an empty one, and fails to read FLAC.
    """
    if said.essence == "audio/flac":
        return frames == _UNKNOWN_FRAMES
    data = riff.data_chunk(file) if said.essence == "audio/wav" and frames == 0 else None
    return data is not None and data.announced_bytes is None and data.present_bytes >= _UNFINISHED_BYTES


def _nameless(file: BinaryIO) -> Any:
    """The same bytes without a name, by whose ending soundfile would judge them."""
    if isinstance(file, FileIO):
        return file.fileno()
    return _Reader(file)


class _Reader:
    def __init__(self, file: BinaryIO) -> None:
        self.read = file.read
        self.seek = file.seek
        self.tell = file.tell


def _raw_format(file: BinaryIO, said: ContentType) -> dict[str, Any]:
    """What soundfile must be told about headerless audio; audio/basic often comes with an AU header."""
    raw = {"format": "RAW", "channels": 1}
    if said.essence == "audio/alaw":
        return raw | {"subtype": "ALAW", "samplerate": said.rate_hz}
    if said.essence == "audio/mulaw":
        return raw | {"subtype": "ULAW", "samplerate": said.rate_hz}
    if said.essence == "audio/basic":
        magic = file.read(4)
        file.seek(0)
        if magic != b".snd":
            return raw | {"subtype": "ULAW", "samplerate": _BASIC_RATE_HZ}
    return {}


def _codec(file: Any) -> str:
    if file.format == "FLAC" or (file.format == "OGG" and file.subtype.startswith("PCM")):
        return "flac"
    if file.subtype in _PCM_CODECS:
        big = file.endian == "BIG" or (file.endian == "FILE" and file.format == "AU")
        return _PCM_CODECS[file.subtype] + ("be" if big else "le")
    return _CODECS.get(file.subtype, str(file.subtype).lower())


def _undecodable(essence: str, error: soundfile.LibsndfileError) -> Undecodable:
    detail = str(error.error_string).removeprefix("Error : ").rstrip(".")
    return Undecodable(
        essence,
        f"The bytes cannot be read as {essence} ({detail}). Check that they are whole and of that type.",
    )
