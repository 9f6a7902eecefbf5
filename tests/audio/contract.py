"""One contract for audio: every format, in every state, is the same on every interface."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from av.audio.stream import AudioStream
from numpy.typing import NDArray

from chalicelib.audio import content_types, decoding, inspection
from chalicelib.audio.archives import archive_members
from chalicelib.audio.content_types import ContentType, ContentTypeError
from chalicelib.audio.errors import AudioError
from chalicelib.audio.inspection import Inspection, RecordingInspection
from chalicelib.audio.streaming import StreamingDecoder
from chalicelib.recognition.audio import recordings
from chalicelib.recognition.function.wording import wording
from tests.audio import signals
from tests.audio.archives.packing import tarred, zipped

Samples = NDArray[np.float32]

LENGTH_S = 2.0
GAP_S = (0.8, 1.3)
_HEAD_BYTES = 4096
_PIECE_BYTES = 1000
_LEAST_ALIKE = 0.85
"""Correlation with what was coded, by the coarsest codec."""
_PART_S = 0.25
"""Compared by itself: times may be rounded on both sides of a gap."""
_LEAST_LOUD = 0.02
_AFTER_GAP_S = 0.3
"""Codecs that predict what comes from what came need so long after packets were lost."""
_MOST_LATE_S = 0.03
"""Codecs begin so much late or early."""


Finding = tuple[str, float, float, str | None, int | None, int | None, str | None]
"""Of a resource: status, seconds, seconds of speech, codec, rate, channels and what is wrong."""
_UNSURE_S = (GAP_S[0] - _MOST_LATE_S, GAP_S[1] + _AFTER_GAP_S)


@dataclass(frozen=True)
class Form:
    """One format of the contract."""

    name: str
    header: str | None
    rate_hz: int
    make: Callable[[Samples], bytes]
    """Codes samples of shape (n,)."""
    family: str
    """What else can be wrong with it: the defects of this name."""
    is_exact: bool = True
    """One sample in is one sample out; a codec with blocks or a delay may give more."""


@dataclass(frozen=True)
class Given:
    """A recording in one state."""

    content: bytes
    header: str | None
    heard: Samples | None
    """What is to be heard, at its times; None: a part, or something between."""
    status: str | None = "ok"
    """Of a resource; None: nobody can tell that something is missing."""
    unsure_s: tuple[float, float] = (0.0, 0.0)
    """From here to there a codec makes something else of it."""


def forms() -> list[Form]:
    """Return all formats of the contract."""
    wide = [
        Form(f"wav-{subtype}", "audio/wav", 16000, _by_libsndfile("WAV", subtype, 16000), "wav", plain)
        for subtype, plain in {
            "PCM_U8": True,
            "PCM_16": True,
            "PCM_24": True,
            "PCM_32": True,
            "FLOAT": True,
            "DOUBLE": True,
            "ULAW": True,
            "ALAW": True,
            "IMA_ADPCM": False,
            "MS_ADPCM": False,
        }.items()
    ]
    return [
        *wide,
        Form("wav-GSM610", "audio/wav", 8000, _by_libsndfile("WAV", "GSM610", 8000), "wav", is_exact=False),
        Form("wav-G722", "audio/wav", 16000, _by_ffmpeg("wav", "g722", 16000), "wav", is_exact=False),
        Form("wav-G726", "audio/wav", 8000, _by_ffmpeg("wav", "g726", 8000), "wav", is_exact=False),
        Form("wavex", "audio/wav", 16000, _by_libsndfile("WAVEX", "PCM_24", 16000), "wav"),
        Form("rifx", "audio/wav", 16000, _by_libsndfile("WAV", "PCM_16", 16000, "BIG"), "rifx"),
        Form("rf64", "audio/wav", 16000, _by_libsndfile("RF64", "PCM_16", 16000), "rf64"),
        Form(
            "bw64",
            None,
            16000,
            lambda s: signals.as_bw64(signals.encoded(s, 16000, "RF64", "PCM_16")),
            "rf64",
        ),
        Form("flac-16", "audio/flac", 16000, _by_libsndfile("FLAC", "PCM_16", 16000), "flac"),
        Form("flac-24", None, 16000, _by_libsndfile("FLAC", "PCM_24", 16000), "flac"),
        Form(
            "mp3", "audio/mp3", 16000, _by_libsndfile("MP3", "MPEG_LAYER_III", 16000), "mp3", is_exact=False
        ),
        Form("mp3-44k", None, 44100, _by_libsndfile("MP3", "MPEG_LAYER_III", 44100), "mp3", is_exact=False),
        Form("ogg-opus", "audio/ogg;codecs=opus", 16000, _by_libsndfile("OGG", "OPUS", 16000), "opus"),
        Form("opus", "audio/opus", 48000, _by_libsndfile("OGG", "OPUS", 48000), "opus"),
        Form("ogg-vorbis", None, 16000, _by_libsndfile("OGG", "VORBIS", 16000), "ogg", is_exact=False),
        Form("ogg-flac", "application/ogg", 16000, _by_ffmpeg("ogg", "flac", 16000), "ogg", is_exact=False),
        Form("webm-opus", "audio/webm", 48000, _as_webm("OPUS", 48000), "webm", is_exact=False),
        Form("webm-vorbis", "video/webm", 16000, _as_webm("VORBIS", 16000), "webm", is_exact=False),
        Form("au-ULAW", "audio/basic", 8000, _by_libsndfile("AU", "ULAW", 8000), "au"),
        Form("au-PCM_16", None, 16000, _by_libsndfile("AU", "PCM_16", 16000), "au"),
        Form("au-FLOAT", "audio/basic", 16000, _by_libsndfile("AU", "FLOAT", 16000), "au"),
        Form("basic", "audio/basic", 8000, _by_libsndfile("RAW", "ULAW", 8000), "raw"),
        Form("mulaw", "audio/x-mulaw;rate=16000", 16000, _by_libsndfile("RAW", "ULAW", 16000), "raw"),
        Form("pcmu", "audio/pcmu", 8000, _by_libsndfile("RAW", "ULAW", 8000), "raw"),
        Form("alaw", "audio/alaw;rate=16000", 16000, _by_libsndfile("RAW", "ALAW", 16000), "raw"),
        Form("l16", "audio/l16;rate=16000", 16000, _by_libsndfile("RAW", "PCM_16", 16000), "raw"),
        Form(
            "l16-big",
            "audio/l16;rate=16000;endianness=big-endian",
            16000,
            _by_libsndfile("RAW", "PCM_16", 16000, "BIG"),
            "raw",
        ),
    ]


def states(form: Form) -> Iterator[tuple[str, Given]]:
    """Yield a format's recordings in all their states, each with its name."""
    spoken = signals.voice(LENGTH_S, form.rate_hz)
    whole = form.make(spoken)
    yield "whole", Given(whole, form.header, spoken)
    stereo = (
        None
        if form.family in ("raw", "webm") or "G72" in form.name or "GSM" in form.name
        else _stereo(form, spoken)
    )
    if stereo is not None:
        yield "two channels", Given(stereo, form.header, spoken)
    silent = spoken.copy()
    silent[round(GAP_S[0] * form.rate_hz) : round(GAP_S[1] * form.rate_hz)] = 0
    yield "muted", Given(form.make(silent), form.header, silent)
    yield from ((name, given) for name, given in _STATES[form.family](form, whole, spoken, silent))
    for share in (0.3, 0.6, 0.9):
        status = (
            None if form.family in ("raw", "mp3", "ogg", "opus") or form.name == "wav-G726" else "invalid"
        )
        yield f"cut at {share:.0%}", Given(whole[: int(len(whole) * share)], form.header, None, status)
    yield "cut by a byte", Given(whole[:-1], form.header, None, None)
    yield "wrong type", Given(whole, _wrong(form), None, "invalid")


def differences(name: str, given: Given, folder: Path, form: Form) -> tuple[int, list[str]]:
    """Ask every interface, and return how many answers were compared and what differs.

    Args:
        name: of the state.
        given: the recording.
        folder: for files.
        form: of it.
    """
    file, found = folder / "audio", []
    file.write_bytes(given.content)
    rate_hz = 8000 if form.rate_hz == 8000 else 16000
    heard = {
        "request": _request(file, given, rate_hz),
        "websocket": _websocket(given, rate_hz),
        "training": _training(file, given, rate_hz),
        "training from zip": _training_from_zip(file, given, rate_hz),
    }
    first = heard["request"]
    found += [
        f"{interface}: {_told(answer)} but request: {_told(first)}"
        for interface, answer in heard.items()
        if not _same(answer, first)
    ]
    seen = {
        "resource": _resource(file, given, rate_hz),
        "zip": _member(file, given, zipped, "application/zip", rate_hz),
        "tar.gz": _member(file, given, tarred, "application/gzip", rate_hz),
    }
    resource = seen["resource"]
    found += [f"{kind}: {one} but resource: {resource}" for kind, one in seen.items() if one != resource]
    status, duration_s, error = resource[0], resource[1], resource[-1]
    if given.status is not None and status != given.status:
        found.append(f"resource: {status} ({error}), not {given.status}")
    if isinstance(first, str):
        if status == "ok" or given.heard is not None:
            found.append(f"resource: {status} but request: {first}")
    else:
        if abs(len(first) / rate_hz - duration_s) > 0.001:
            found.append(f"resource: {duration_s:.3f} s but request: {len(first) / rate_hz:.3f} s")
        if given.heard is not None:
            found += _unlike(first.astype(np.float32), given.heard, given.unsure_s, form, rate_hz)
    return len(heard) + len(seen), [f"{form.name}, {name}: {each}" for each in found]


def _request(file: Path, given: Given, rate_hz: int) -> NDArray[np.int16] | str:
    """As HTTP and jobs read a body: by what the API hands on of its content type."""
    try:
        said = content_types.of_recognition(given.header, given.content[:_HEAD_BYTES])
        said = None if said is None else content_types.parse(str(said))
        with recordings.decoded(file, said, rate_hz) as recording:
            return np.array(recording.pcm)
    except (AudioError, ContentTypeError) as error:
        return wording(error)


def _websocket(given: Given, rate_hz: int) -> NDArray[np.int16] | str:
    blocks: list[Samples] = [np.empty(0, np.float32)]
    decoder = None
    try:
        said = None if given.header is None else content_types.of_recognition(given.header, None)
        decoder = StreamingDecoder(said, rate_hz)
        for at in range(0, len(given.content), _PIECE_BYTES):
            blocks += decoder.feed(given.content[at : at + _PIECE_BYTES])
        blocks += decoder.finish()
    except (AudioError, ContentTypeError) as error:
        return wording(error)
    finally:
        if decoder is not None:
            decoder.close()
    return _pcm(np.concatenate(blocks))


def _training(file: Path, given: Given, rate_hz: int) -> NDArray[np.int16] | str:
    try:
        said = content_types.of_resource(given.header, given.content[:_HEAD_BYTES])
        return _pcm(decoding.read_mono(file, said, rate_hz))
    except (AudioError, ContentTypeError) as error:
        return wording(error)


def _training_from_zip(file: Path, given: Given, rate_hz: int) -> NDArray[np.int16] | str:
    packed = file.with_suffix(".zip")
    packed.write_bytes(zipped({"audio": given.content}))
    try:
        for member in archive_members.members(packed):
            assert member.file is not None, member.error
            return _pcm(decoding.read_mono(member.file, _contained(given), rate_hz))
    except (AudioError, ContentTypeError) as error:
        return wording(error)
    raise AssertionError("the archive is empty")


def _contained(given: Given) -> ContentType | None:
    return content_types.of_members(given.header)


def _resource(file: Path, given: Given, rate_hz: int) -> Finding:
    return _finding(inspection.inspect(file, given.header, None, min_rate_hz=rate_hz))


def _member(
    file: Path, given: Given, pack: Callable[[dict[str, bytes]], bytes], content_type: str, rate_hz: int
) -> Finding:
    packed = file.with_suffix(".packed")
    packed.write_bytes(pack({"audio": given.content}))
    found = inspection.inspect(packed, content_type, given.header, min_rate_hz=rate_hz)
    assert len(found.members) == 1, found
    return _finding(found.members[0])


def _finding(found: Inspection | RecordingInspection) -> Finding:
    return (
        found.status,
        found.duration_s,
        found.speech_s,
        found.codec,
        found.frequency_hz,
        found.channels,
        found.error,
    )


def _pcm(samples: Samples) -> NDArray[np.int16]:
    return np.asarray(recordings.rounded(samples) * np.float32(32768), np.int16)


def _same(one: NDArray[np.int16] | str, other: NDArray[np.int16] | str) -> bool:
    if isinstance(one, str) or isinstance(other, str):
        return isinstance(one, str) and isinstance(other, str) and one == other
    # Rates are converted in blocks of other sizes, which may round the last bit differently.
    return len(one) == len(other) and not (np.abs(one.astype(int) - other) > 1).any()


def _told(answer: NDArray[np.int16] | str) -> str:
    return answer if isinstance(answer, str) else f"{len(answer)} samples"


def _unlike(
    samples: Samples, expected: Samples, unsure_s: tuple[float, float], form: Form, rate_hz: int
) -> list[str]:
    """Say what is heard otherwise than it was coded: another length, other times, other sounds."""
    wanted = np.concatenate(list(decoding.resample(iter([expected]), form.rate_hz, rate_hz)))
    late = round(_MOST_LATE_S * rate_hz)
    most_longer = 0 if form.is_exact else round(0.08 * rate_hz)
    if not -2 <= len(samples) - len(wanted) <= most_longer + 2:
        return [f"{len(samples) / rate_hz:.3f} s, not {len(wanted) / rate_hz:.3f} s"]
    inner = slice(late, min(len(wanted), len(samples)) - late)
    step, part = max(1, rate_hz // 8000), round(_PART_S * rate_hz)
    found = []
    for start in range(inner.start, inner.stop - part, part):
        heard, spoken = samples[start - late : start + part + late], wanted[start : start + part]
        is_sure = start + part < unsure_s[0] * rate_hz or start > unsure_s[1] * rate_hz
        if is_sure and spoken.std() > _LEAST_LOUD:
            alike = _alike(np.lib.stride_tricks.sliding_window_view(heard, part)[::step], spoken)
            if alike < _LEAST_ALIKE:
                found.append(f"at {start / rate_hz:.1f} s alike by {alike:.2f} only")
    return found


def _alike(heard: Samples, spoken: Samples) -> float:
    """Return the correlation with the best of several stretches, shape (stretches, n)."""
    heard = heard - heard.mean(axis=1, keepdims=True)
    spoken = spoken - spoken.mean()
    norms = np.sqrt(np.einsum("ij,ij->i", heard, heard)) * np.linalg.norm(spoken)
    return float((heard @ spoken / (norms + 1e-9)).max())


def _by_libsndfile(
    container: str, subtype: str, rate_hz: int, endian: str = "FILE"
) -> Callable[[Samples], bytes]:
    return lambda samples: signals.encoded(samples, rate_hz, container, subtype, endian=endian)


def _by_ffmpeg(container: str, codec: str, rate_hz: int) -> Callable[[Samples], bytes]:
    def make(samples: Samples) -> bytes:
        file = io.BytesIO()
        with av.open(file, "w", format=container) as target:
            stream = target.add_stream(codec, rate=rate_hz, layout="mono")
            assert isinstance(stream, AudioStream)
            if codec == "g726":
                stream.bit_rate = 32_000
            pcm = (samples * 32767).astype(np.int16)[None, :]
            for at in range(0, pcm.shape[1], 320):
                frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(pcm[:, at : at + 320]), "s16", "mono")
                frame.sample_rate, frame.pts = rate_hz, at
                target.mux(stream.encode(frame))
            target.mux(stream.encode(None))
        return file.getvalue()

    return make


def _as_webm(codec: str, rate_hz: int) -> Callable[[Samples], bytes]:
    return lambda samples: signals.gapped(signals.encoded(samples, rate_hz, "OGG", codec), "ogg", out="webm")


def _stereo(form: Form, spoken: Samples) -> bytes | None:
    if "FLAC" in form.name or form.name in ("ogg-flac", "bw64"):
        return None
    return form.make(np.repeat(spoken[:, None], 2, axis=1))


def _wrong(form: Form) -> str:
    return "audio/flac" if form.family != "flac" else "audio/wav"


_State = Iterator[tuple[str, Given]]


def _wav_states(form: Form, whole: bytes, spoken: Samples, silent: Samples) -> _State:
    for announced in (0, 0xFFFFFFFF, 0x7FFFFFFF):
        yield f"piped, {announced:x}", Given(signals.with_data_bytes(whole, announced), form.header, spoken)
    yield "unfilled, 0", Given(signals.unfilled(whole), form.header, spoken)
    yield "unfilled, 36", Given(signals.unfilled(whole, 36), form.header, spoken)
    yield "a stray byte, unfilled", Given(signals.unfilled(whole) + b"\0", form.header, spoken)
    yield "a stray byte", Given(whole + b"\0", form.header, spoken)
    yield "a tag behind", Given(whole + b"LIST\x04\0\0\0abcd", form.header, spoken)
    yield "a long tag before", Given(signals.with_chunk(whole, b"LIST", 1_200_001), form.header, spoken)
    yield "no type", Given(whole, None, spoken)
    if form.name in ("wav-FLOAT", "wav-DOUBLE"):
        for peak in (2, 4, 32768):
            loud = (spoken / np.abs(spoken).max() * peak).astype(np.float32)
            yield f"peak {peak}", Given(form.make(loud), form.header, spoken)
        wild = spoken.copy()
        wild[1000], wild[2000] = np.nan, np.inf
        yield "not a number", Given(form.make(wild), form.header, spoken)


def _rifx_states(form: Form, whole: bytes, spoken: Samples, silent: Samples) -> _State:
    yield "no type", Given(whole, None, spoken)
    yield "a stray byte", Given(whole + b"\0", form.header, spoken)


def _flac_states(form: Form, whole: bytes, spoken: Samples, silent: Samples) -> _State:
    tag = b"ID3\x03\0\0\0\0\x40\0" + bytes(0x40 << 7)
    yield "piped", Given(signals.without_length(whole), form.header, spoken)
    yield "a tag before", Given(tag + whole, form.header, spoken)
    yield "two tags before, no type", Given(tag + tag + whole, None, spoken)
    yield "a tag behind", Given(whole + b"TAG" + bytes(125), form.header, spoken)
    damaged = bytearray(whole)
    damaged[len(whole) // 2] ^= 0x5A
    yield "damaged", Given(bytes(damaged), form.header, None, "invalid")


def _mp3_states(form: Form, whole: bytes, spoken: Samples, silent: Samples) -> _State:
    short = b"ID3\x03\0\0\0\0\0\x40" + bytes(0x40)
    long = b"ID3\x04\0\0\0\0\x40\0" + bytes(0x40 << 7)
    frames = whole[signals.first_mp3_frame_bytes(whole) :]  # without the Xing header
    for header in (form.header, None):
        of_type = "" if header else ", no type"
        yield f"zeros before{of_type}", Given(bytes(1500) + whole, header, None, "ok")
        yield f"from within a frame{of_type}", Given(frames[100:], header, None, "ok")
        yield f"a tag before{of_type}", Given(short + whole, header, spoken)
        yield f"two tags before{of_type}", Given(long + short + whole, header, spoken)
        yield (
            f"a tag that is shorter than it is{of_type}",
            Given(short + bytes(40) + whole, header, None, "ok"),
        )
    yield "a tag behind", Given(whole + b"TAG" + bytes(125), form.header, spoken)
    yield "piped", Given(frames, form.header, None, "ok")
    damaged = bytearray(whole)
    damaged[len(whole) // 2 : len(whole) // 2 + 200] = bytes(200)
    yield "damaged", Given(bytes(damaged), form.header, None, None)


def _ogg_states(form: Form, whole: bytes, spoken: Samples, silent: Samples) -> _State:
    yield "gapped", Given(signals.gapped(whole, "ogg", (GAP_S,)), form.header, silent, unsure_s=_UNSURE_S)
    yield "late", Given(signals.gapped(whole, "ogg", late_s=100.0), form.header, spoken)
    yield "chained", Given(whole * 2, form.header, None, "ok")
    yield "no type", Given(whole, None, spoken)


def _opus_states(form: Form, whole: bytes, spoken: Samples, silent: Samples) -> _State:
    yield from _ogg_states(form, whole, spoken, silent)
    yield (
        "many gaps",
        Given(
            signals.gapped(whole, "ogg", tuple((at, at + 0.06) for at in np.arange(0.3, 1.8, 0.2))),
            form.header,
            None,
        ),
    )
    yield "no rate told", Given(signals.opus_of_rate(whole, 0), form.header, spoken)
    yield "too low a rate", Given(signals.opus_of_rate(whole, 8000), form.header, None, "invalid")


def _webm_states(form: Form, whole: bytes, spoken: Samples, silent: Samples) -> _State:
    yield (
        "gapped",
        Given(
            signals.gapped(whole, "matroska", (GAP_S,), out="webm"), form.header, silent, unsure_s=_UNSURE_S
        ),
    )
    yield "late", Given(signals.gapped(whole, "matroska", late_s=1000.0, out="webm"), form.header, spoken)
    yield (
        "muted at its end",
        Given(signals.gapped(whole, "matroska", ((1.0, 1.9),), out="webm"), form.header, None, "ok"),
    )
    yield "no type", Given(whole, None, spoken)


def _au_states(form: Form, whole: bytes, spoken: Samples, silent: Samples) -> _State:
    yield "piped", Given(whole[:8] + b"\xff\xff\xff\xff" + whole[12:], form.header, spoken)
    yield "no type", Given(whole, None, spoken)
    start = struct.unpack_from(">I", whole, 4)[0]
    longer = whole[:4] + struct.pack(">I", start + 2000) + whole[8:start] + bytes(2000) + whole[start:]
    yield "a long note", Given(longer, form.header, spoken)


def _raw_states(form: Form, whole: bytes, spoken: Samples, silent: Samples) -> _State:
    before = np.concatenate([np.zeros(form.rate_hz, np.float32), spoken])
    yield "silence before", Given(form.make(before), form.header, before)
    behind = np.concatenate([spoken, np.zeros(form.rate_hz, np.float32)])
    yield "silence behind", Given(form.make(behind), form.header, behind)
    yield "a stray byte", Given(whole + b"\0", form.header, None, "ok")


_STATES: dict[str, Callable[[Form, bytes, Samples, Samples], _State]] = {
    "wav": _wav_states,
    "rifx": _rifx_states,
    "rf64": _rifx_states,
    "flac": _flac_states,
    "mp3": _mp3_states,
    "ogg": _ogg_states,
    "opus": _opus_states,
    "webm": _webm_states,
    "au": _au_states,
    "raw": _raw_states,
}
