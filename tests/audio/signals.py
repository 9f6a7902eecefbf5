"""Signals and files that the tests of audio listen to."""

from __future__ import annotations

import io
import struct
from typing import Any

import av
import numpy as np
import soundfile
from numpy.typing import NDArray

Samples = NDArray[np.float32]


def tone(duration_s: float, rate_hz: int, frequency_hz: float = 440.0, level: float = 0.3) -> Samples:
    """A sine."""
    time = np.arange(round(duration_s * rate_hz)) / rate_hz
    return (level * np.sin(2 * np.pi * frequency_hz * time)).astype(np.float32)


def noise(duration_s: float, rate_hz: int, level: float = 0.1, seed: int = 0) -> Samples:
    """White noise."""
    samples = np.random.default_rng(seed).standard_normal(round(duration_s * rate_hz))
    return (level * samples).astype(np.float32)


def silence(duration_s: float, rate_hz: int) -> Samples:
    """Digital silence."""
    return np.zeros(round(duration_s * rate_hz), np.float32)


def voice(duration_s: float, rate_hz: int, level: float = 0.1) -> Samples:
    """Something like speech: harmonics of a gliding pitch under two formants, in four syllables a second."""
    time = np.arange(round(duration_s * rate_hz)) / rate_hz
    pitch_hz = 120 + 20 * np.sin(2 * np.pi * 0.7 * time)
    phase = 2 * np.pi * np.cumsum(pitch_hz) / rate_hz
    formants = 500 + 250 * np.sin(2 * np.pi * 1.3 * time), 1500 + 400 * np.sin(2 * np.pi * 0.9 * time)
    samples = np.zeros_like(time)
    for harmonic in range(1, 26):
        strength = sum(np.exp(-(((harmonic * pitch_hz - formant) / 200) ** 2)) for formant in formants)
        samples += (strength + 0.02) * np.sin(harmonic * phase)
    samples *= np.sin(np.pi * 4 * time) ** 2
    return np.asarray(np.clip(level * samples / (samples.std() + 1e-9), -1, 1), np.float32)


def encoded(
    samples: NDArray[np.floating[Any]], rate_hz: int, container: str, subtype: str | None = None, **more: Any
) -> bytes:
    """Samples of shape (n,) or (n, channels) as libsndfile writes them."""
    file = io.BytesIO()
    soundfile.write(file, samples, rate_hz, format=container, subtype=subtype, **more)
    return file.getvalue()


def webm(samples: Samples, rate_hz: int, codec: str) -> bytes:
    """Mono samples as WebM: Opus or Vorbis from libsndfile's Ogg, in the other container."""
    ogg = io.BytesIO(encoded(samples, rate_hz, "OGG", codec.upper()))
    file = io.BytesIO()
    with av.open(ogg, format="ogg") as source, av.open(file, "w", format="webm") as target:
        assert isinstance(source, av.container.InputContainer)
        assert isinstance(target, av.container.OutputContainer)
        stream = target.add_stream_from_template(source.streams.audio[0])
        for packet in source.demux(source.streams.audio[0]):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    return file.getvalue()


_SHORT_PAGES = {"ogg": {"page_duration": "20000"}}
"""In microseconds. Only the end of a page has a time: of a gap within one nobody knows where it was."""


def gapped(
    content: bytes,
    container: str,
    gaps_s: tuple[tuple[float, float], ...] = (),
    *,
    out: str | None = None,
    late_s: float = 0.0,
) -> bytes:
    """Ogg or Matroska (as FFmpeg names them) without the packets of these stretches; the others keep times.

    Args:
        content: the recording.
        container: of it.
        gaps_s: from here to there, in seconds.
        out: another container to put the packets into.
        late_s: added to all times.
    """
    file = io.BytesIO()
    with (
        av.open(io.BytesIO(content), mode="r", format=container) as source,
        av.open(file, "w", format=out or container, options=_SHORT_PAGES.get(out or container, {})) as target,
    ):
        stream = target.add_stream_from_template(source.streams.audio[0])
        for packet in source.demux(source.streams.audio[0]):
            if packet.dts is None or packet.pts is None:
                continue
            at_s = float(packet.pts * packet.time_base)
            if any(start <= at_s < end for start, end in gaps_s):
                continue
            shift = round(late_s / packet.time_base)
            packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
            packet.stream = stream
            target.mux(packet)
    return file.getvalue()


def wav(samples: NDArray[np.floating[Any]], rate_hz: int, subtype: str = "PCM_16") -> bytes:
    """Samples as a WAV file."""
    return encoded(samples, rate_hz, "WAV", subtype)


def noisy_wav(duration_s: float, rate_hz: int = 16_000, seed: int = 0) -> bytes:
    """A WAV file of white noise."""
    return wav(noise(duration_s, rate_hz, 0.06, seed), rate_hz)


def with_data_bytes(wav_file: bytes, announced: int) -> bytes:
    """A WAV file whose data chunk claims another length."""
    at = wav_file.index(b"data") + 4
    return wav_file[:at] + struct.pack("<I", announced) + wav_file[at + 4 :]


def without_length(flac_file: bytes) -> bytes:
    """A FLAC file that does not know how long it is, as programs write into a pipe."""
    at = 18  # rate, channels and bits per sample, then 36 bits for the count of samples
    known = int.from_bytes(flac_file[at : at + 8], "big")
    return flac_file[:at] + (known >> 36 << 36).to_bytes(8, "big") + flac_file[at + 8 :]


def g729_frames(count: int, seed: int = 0) -> bytes:
    """Valid frames of G.729 at 8 kbit/s: any bits, with the parity bit of the pitch delay set right."""
    frames = np.random.default_rng(seed).integers(0, 256, (count, 10), np.uint8)
    bits = np.unpackbits(frames, axis=1)
    bits[:, 26] = 1 ^ bits[:, 18:24].sum(axis=1) % 2
    return np.packbits(bits, axis=1).tobytes()


def unfilled(wav_file: bytes, riff_bytes: int = 0) -> bytes:
    """A WAV file whose recorder never came to fill in its lengths."""
    return with_data_bytes(wav_file[:4] + struct.pack("<I", riff_bytes) + wav_file[8:], 0)


def with_chunk(wav_file: bytes, name: bytes, size: int) -> bytes:
    """A WAV file with another chunk before its samples."""
    at = wav_file.index(b"data")
    return wav_file[:at] + name + struct.pack("<I", size) + bytes(size + size % 2) + wav_file[at:]


def as_bw64(rf64_file: bytes) -> bytes:
    """An RF64 file by the name of its successor."""
    return b"BW64" + rf64_file[4:]


def opus_of_rate(ogg_file: bytes, rate_hz: int) -> bytes:
    """Ogg Opus whose header says that it was made from another rate."""
    at = ogg_file.index(b"OpusHead")
    page = bytearray(ogg_file)
    page[at + 12 : at + 16] = struct.pack("<I", rate_hz)
    end = 27 + page[26] + sum(page[27 : 27 + page[26]])
    page[22:26] = bytes(4)
    page[22:26] = struct.pack("<I", _ogg_checksum(bytes(page[:end])))
    return bytes(page)


def _ogg_checksum(page: bytes) -> int:
    remainder = 0
    for byte in page:
        remainder ^= byte << 24
        for _ in range(8):
            remainder = (
                remainder << 1 ^ 0x04C11DB7 if remainder & 0x80000000 else remainder << 1
            ) & 0xFFFFFFFF
    return remainder


def first_mp3_frame_bytes(mp3: bytes) -> int:
    """Length of the first frame, which libsndfile fills with a Xing header."""
    return mp3.index(mp3[:2], 4)
