"""Content types of audio and archives: parsed, checked, and sniffed, without any audio library."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

MAX_CHANNELS_L16 = 16
MAX_RATE_HZ = 384_000

Endianness = Literal["big-endian", "little-endian"]
Kind = Literal["audio", "archive"]

_ALIASES = {
    "audio/mp3": "audio/mpeg",
    "audio/x-mp3": "audio/mpeg",
    "audio/x-mpeg": "audio/mpeg",
    "audio/wave": "audio/wav",
    "audio/x-wav": "audio/wav",
    "audio/vnd.wave": "audio/wav",
    "audio/x-flac": "audio/flac",
    "audio/x-mulaw": "audio/mulaw",
    "audio/x-alaw": "audio/alaw",
    "audio/pcmu": "audio/mulaw",
    "audio/pcma": "audio/alaw",
    "audio/opus": "audio/ogg",
    "application/ogg": "audio/ogg",
    "video/webm": "audio/webm",
    "audio/m4a": "audio/mp4",
    "audio/x-m4a": "audio/mp4",
    "audio/mp4a-latm": "audio/mp4",
    "video/mp4": "audio/mp4",
    "video/quicktime": "audio/mp4",
    "application/x-gzip": "application/gzip",
    "application/x-zip-compressed": "application/zip",
}
_DEFAULT_RATES_HZ = {"audio/pcmu": 8_000, "audio/pcma": 8_000}
"""Of names that RFC 4856 gives to the codings of telephones."""
_NEED_RATE = frozenset({"audio/alaw", "audio/l16", "audio/mulaw"})
_HEADERLESS = _NEED_RATE | {"audio/basic", "audio/g729"}
_SELF_DESCRIBING = frozenset(
    {"audio/flac", "audio/mpeg", "audio/mp4", "audio/ogg", "audio/wav", "audio/webm"}
)
_AUDIO = _HEADERLESS | _SELF_DESCRIBING
_COMPRESSIONS = {"application/zip": "zip", "application/gzip": "gzip"}
# What clients send without meaning it: Node's SDK with a buffer, and curl.
_MEANINGLESS = frozenset({"application/json", "application/x-www-form-urlencoded"})
_UNKNOWN = "application/octet-stream"

_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_ESSENCE = re.compile(rf"\s*({_NAME}/{_NAME})\s*(?=;|$)")
# Possessive throughout: many spaces before a stray quotation mark must not be tried in every combination.
_PARAMETER = re.compile(
    rf";\s*+(?:(?P<name>{_NAME})\s*+(?:=\s*+(?:\"(?P<quoted>(?:[^\"\\]|\\.)*+)\"|(?P<plain>[^;\"]*+)))?)?\s*+(?=;|$)",
    re.DOTALL,
)
_MAX_LENGTH = 1_000


class ContentTypeError(Exception):
    """A content type that cannot be used; the text is for the client."""


class UnsupportedContentType(ContentTypeError):
    """No supported format has this name. Watson answers 415."""

    def __init__(self, content_type: str) -> None:
        self.content_type = content_type[:200]
        named = self.content_type.lower().startswith(("audio/", "video/"))
        super().__init__(
            f"Unsupported mimetype '{self.content_type}'. "
            f"{'Convert your audio, and send its' if named else 'Send the'} Content-Type"
            f"{'' if named else ' of your audio'}, "
            "for instance audio/wav, audio/flac, audio/mpeg, audio/ogg or audio/l16;rate=16000."
        )


class RateMissing(ContentTypeError):
    """Audio without a header needs its sampling rate in the content type. Watson answers 400."""

    def __init__(self, essence: str) -> None:
        self.essence = essence
        super().__init__(f"rate parameter missing in mimetype {essence}")


class InvalidParameter(ContentTypeError):
    """A parameter has a value that makes no sense. Watson answers 400."""

    def __init__(self, essence: str, name: str, value: str, expected: str) -> None:
        self.essence = essence
        self.name = name
        self.value = value[:100]
        self.expected = expected
        super().__init__(f"Invalid {name} '{self.value}' in mimetype {essence}: it must be {expected}")


@dataclass(frozen=True)
class ContentType:
    """A supported format with what must be known to decode it; `str` writes it as a header again."""

    essence: str
    """Type and subtype in lower case, by the name that Watson reports: `audio/mpeg`, never `audio/mp3`."""
    rate_hz: int | None = None
    """Given for audio/alaw, audio/l16 and audio/mulaw only: other formats say it themselves."""
    channels: int = 1
    """Of audio/l16; other formats say it themselves, or are mono."""
    endianness: Endianness | None = None
    """Of audio/l16; None: to be detected."""
    codec: str | None = None
    """opus, vorbis or flac inside audio/ogg or audio/webm; None: to be detected."""

    @property
    def kind(self) -> Kind:
        """Whether this is one recording or an archive of them."""
        return "archive" if self.essence in _COMPRESSIONS else "audio"

    @property
    def compression(self) -> str | None:
        """`zip` or `gzip` for an archive."""
        return _COMPRESSIONS.get(self.essence)

    @property
    def describes_itself(self) -> bool:
        """Whether the bytes tell the format, so that no content type is needed."""
        return self.essence not in _HEADERLESS

    def __str__(self) -> str:
        text = self.essence
        if self.rate_hz is not None:
            text += f";rate={self.rate_hz}"
        if self.channels != 1:
            text += f";channels={self.channels}"
        if self.endianness is not None:
            text += f";endianness={self.endianness}"
        if self.codec is not None:
            text += f";codecs={self.codec}"
        return text


def parse(header: str) -> ContentType:
    """Read a Content-Type header: any case, spaces, quoted values; unknown parameters are ignored.

    Raises:
        UnsupportedContentType, RateMissing, InvalidParameter: it cannot be used.
    """
    essence = _essence(header)
    if essence in _COMPRESSIONS:
        return ContentType(essence)
    if essence not in _AUDIO:
        raise UnsupportedContentType(header.strip())
    parameters = _parameters(header, essence)
    if essence == "audio/l16":
        return ContentType(
            essence,
            rate_hz=_rate(essence, parameters),
            channels=_whole(essence, "channels", parameters.get("channels", "1"), MAX_CHANNELS_L16),
            endianness=_endianness(essence, parameters.get("endianness")),
        )
    if essence in _NEED_RATE:
        _whole(essence, "channels", parameters.get("channels", "1"), 1)
        return ContentType(essence, rate_hz=_rate(essence, parameters, _default_rate_hz(header)))
    if essence in ("audio/ogg", "audio/webm"):
        return ContentType(essence, codec=_codec(essence, parameters.get("codecs", parameters.get("codec"))))
    return ContentType(essence)


def of_resource(header: str | None, head: bytes) -> ContentType:
    """Decide what an uploaded resource is: what its header says, else what its first bytes show.

    Args:
        header: the Content-Type, or None.
        head: the first bytes of the body (4 KiB suffice).

    Raises:
        ContentTypeError: as `parse`; application/octet-stream is not supported for resources.
    """
    said = of_resource_header(header)
    content_type = said if said is not None else sniff(head)
    if content_type is None:
        raise UnsupportedContentType((header or "").strip())
    return content_type


def of_resource_header(header: str | None) -> ContentType | None:
    """Decide by the header alone, before the body is there; None: it says nothing, the body must be seen.

    Raises:
        ContentTypeError: as `of_resource`.
    """
    if header is None or not header.strip() or _essence(header) in _MEANINGLESS:
        return None
    return parse(header)


def of_recognition(header: str | None, head: bytes | None) -> ContentType | None:
    """Decide what audio to recognise is; None: its decoder is to detect the format.

    Args:
        header: the Content-Type, or None. Absent or application/octet-stream means: detect.
        head: the first bytes of the body (4 KiB suffice); None while they are not there, which defers the
            decision about types that clients send without meaning them.

    Raises:
        ContentTypeError: as `parse`; archives cannot be recognised.
    """
    if header is None or not header.strip():
        return None
    essence = _essence(header)
    if essence == _UNKNOWN:
        return None
    if essence in _MEANINGLESS:
        if head is None:
            return None
        content_type = sniff(head)
    else:
        content_type = parse(header)
    if content_type is None or content_type.kind == "archive":
        raise UnsupportedContentType(header.strip())
    return content_type


def by_content(header: str | None, head: bytes) -> ContentType | None:
    """Decide what audio is by its bytes, whatever it is said to be; None: its decoder is to detect.

    For clients that guess the header by a file's name. It counts where it names samples without a header.

    Args:
        header: the Content-Type, or None.
        head: the first bytes (4 KiB suffice).
    """
    found = sniff(head)
    if found is not None and found.kind == "audio":
        return found
    try:
        said = parse(header or "")
    except ContentTypeError:
        return None
    return None if said.kind == "archive" or said.describes_itself else said


def of_members(header: str | None) -> ContentType | None:
    """Read a Contained-Content-Type header; None: each member of the archive is sniffed.

    Raises:
        ContentTypeError: as `parse`; archives inside archives are not supported.
    """
    if header is None or not header.strip():
        return None
    content_type = parse(header)
    if content_type.kind == "archive":
        raise UnsupportedContentType(header.strip())
    return content_type


def sniff(head: bytes) -> ContentType | None:
    """Recognise a format by its first bytes (4 KiB suffice); None: unknown, or audio without a header."""
    if head[:4] in (b"RIFF", b"RIFX", b"RF64", b"BW64") and head[8:12] == b"WAVE":
        return ContentType("audio/wav")
    if head[:4] == b"fLaC":
        return ContentType("audio/flac")
    if head[:4] == b"OggS":
        return ContentType("audio/ogg", codec=_ogg_codec(head))
    if head[:4] == b"\x1a\x45\xdf\xa3":
        return ContentType("audio/webm")
    if head[4:8] == b"ftyp":
        return ContentType("audio/mp4")
    if head[:4] == b".snd":
        return ContentType("audio/basic")
    if head[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        return ContentType("application/zip")
    if head[:3] == b"\x1f\x8b\x08":
        return ContentType("application/gzip")
    if head[:3] == b"ID3" or _is_mpeg(head):
        return ContentType("audio/mpeg")
    return None


def _essence(header: str) -> str:
    found = _ESSENCE.match(header[:_MAX_LENGTH])
    if found is None:
        raise UnsupportedContentType(header.strip())
    essence = found.group(1).lower()
    return _ALIASES.get(essence, essence)


def _parameters(header: str, essence: str) -> dict[str, str]:
    position = len(_ESSENCE.match(header[:_MAX_LENGTH]).group())  # type: ignore[union-attr]
    found: dict[str, str] = {}
    while position < len(header):
        match = _PARAMETER.match(header, position) if len(header) <= _MAX_LENGTH else None
        if match is None:
            raise InvalidParameter(essence, "parameter", header[position:], "written as ;name=value")
        position = match.end()
        name = (match["name"] or "").lower()
        if not name:
            continue
        quoted = match["quoted"]
        value = match["plain"] or "" if quoted is None else re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL)
        if found.setdefault(name, value.strip()) != value.strip():
            raise InvalidParameter(
                essence, name, value, f"given once, but it was '{found[name][:100]}' before"
            )
    return found


def _default_rate_hz(header: str) -> int | None:
    """Return the rate that audio of this name has unless another is said."""
    found = _ESSENCE.match(header[:_MAX_LENGTH])
    return None if found is None else _DEFAULT_RATES_HZ.get(found.group(1).lower())


def _rate(essence: str, parameters: dict[str, str], default_hz: int | None = None) -> int:
    if "rate" not in parameters and default_hz is not None:
        return default_hz
    if "rate" not in parameters:
        raise RateMissing(essence)
    return _whole(essence, "rate", parameters["rate"], MAX_RATE_HZ)


def _whole(essence: str, name: str, text: str, maximum: int) -> int:
    value = int(text) if re.fullmatch(r"[0-9]{1,9}", text) else 0
    if not 1 <= value <= maximum:
        expected = "1" if maximum == 1 else f"a whole number from 1 to {maximum}"
        raise InvalidParameter(essence, name, text, expected)
    return value


def _endianness(essence: str, text: str | None) -> Endianness | None:
    match text.lower() if text is not None else None:
        case None:
            return None
        case "big-endian":
            return "big-endian"
        case "little-endian":
            return "little-endian"
        case _:
            raise InvalidParameter(essence, "endianness", text or "", "big-endian or little-endian")


def _codec(essence: str, text: str | None) -> str | None:
    if text is None:
        return None
    codec = text.lower()
    if codec not in ("opus", "vorbis", "flac"):
        raise InvalidParameter(essence, "codecs", text, "opus or vorbis")
    return codec


def _ogg_codec(head: bytes) -> str | None:
    # The first page holds the first packet alone: 27 bytes of header and the segment table lie before it.
    start = 27 + (head[26] if len(head) > 26 else 0)
    for codec, magic in (("opus", b"OpusHead"), ("vorbis", b"\x01vorbis"), ("flac", b"\x7fFLAC")):
        if head.startswith(magic, start):
            return codec
    return None


# MPEG audio, ISO 11172-3 and 13818-3: kbit/s by bitrate index, for MPEG 1 and for MPEG 2 and 2.5.
_LAYER3_KBPS = {
    True: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    False: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_MPEG_1, _MONO = 3, 3
_MPEG_RATES_HZ = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}


def _is_mpeg(head: bytes) -> bool:
    return _layer3_start(head) is not None


def _layer3_start(head: bytes) -> int | None:
    """Return where the first MPEG layer III frame begins; None: there is none.

    A recording that was cut out of another begins within a frame, and captures begin with zeros. Raw PCM
    often has the few bits of a frame header: the next frame must be where the first one ends, and of frames
    that are not at the beginning one more.
    """
    at = head.find(b"\xff")
    while at >= 0:
        if _are_layer3_frames(head, at, 2 if at == 0 else 3):
            return at
        at = head.find(b"\xff", at + 1)
    return None


def _are_layer3_frames(head: bytes, at: int, count: int) -> bool:
    """Whether so many frames of one kind follow each other; at the beginning, as far as bytes are there."""
    begin, kind = at, head[at + 1 : at + 2]
    for _ in range(count):
        if begin == 0 and at > 0 and len(head) < at + 4:
            return True
        length = _layer3_frame_bytes(head, at)
        if not length or head[at + 1 : at + 2] != kind:
            return False
        at += length
    return True


def xing_frames(head: bytes) -> int | None:
    """Return how many samples an MP3 has by its Xing or Info header; None: it has none.

    Args:
        head: the first bytes behind tags.
    """
    start = _layer3_start(head)
    if start is None:
        return None
    mpeg_1 = head[start + 1] >> 3 & 3 == _MPEG_1
    is_mono = head[start + 3] >> 6 == _MONO
    # Behind the frame's header and the side information, whose length depends on both.
    at = start + 4 + ((17 if is_mono else 32) if mpeg_1 else (9 if is_mono else 17))
    if head[at : at + 4] not in (b"Xing", b"Info") or not head[at + 7 : at + 8] or not head[at + 7] & 1:
        return None
    return int.from_bytes(head[at + 8 : at + 12], "big") * (1152 if mpeg_1 else 576)


def _layer3_frame_bytes(head: bytes, start: int) -> int:
    """Length of the MPEG layer III frame there, 0 when there is none."""
    if len(head) < start + 4 or head[start] != 0xFF or head[start + 1] & 0xE6 != 0xE2:
        return 0
    version, bitrate, rate = head[start + 1] >> 3 & 3, head[start + 2] >> 4, head[start + 2] >> 2 & 3
    if version not in _MPEG_RATES_HZ or bitrate in (0, 15) or rate == 3:
        return 0
    first = version == 3
    padding = head[start + 2] >> 1 & 1
    return (144 if first else 72) * _LAYER3_KBPS[first][bitrate] * 1000 // _MPEG_RATES_HZ[version][
        rate
    ] + padding
