from __future__ import annotations

import io

import numpy as np
import pytest
from numpy.typing import NDArray

from chalicelib.audio.containers import libav
from chalicelib.audio.errors import Undecodable
from tests.audio.signals import encoded, gapped, tone, voice, webm

VOICE = voice(6, 16000)
OPUS = encoded(VOICE, 16000, "OGG", "OPUS")
VORBIS = encoded(VOICE, 16000, "OGG", "VORBIS")
HZ = 48000


def read(content: bytes, essence: str, *, live: bool = False) -> NDArray[np.float32]:
    with libav.opened(io.BytesIO(content), essence, live=live) as stream:
        blocks = list(stream.blocks())
    return np.concatenate(blocks)[:, 0]


@pytest.mark.parametrize("live", [True, False])
@pytest.mark.parametrize("out", ["ogg", "webm"])
@pytest.mark.parametrize(
    "gaps_s",
    [((2.0, 5.0),), ((1.0, 1.6), (2.0, 2.6), (3.0, 3.5)), ((4.0, 4.06),)],
    ids=["long", "three", "short"],
)
def test_a_gap_is_time(gaps_s: tuple[tuple[float, float], ...], out: str, live: bool) -> None:
    essence = {"ogg": "audio/ogg", "webm": "audio/webm"}[out]
    whole = read(gapped(OPUS, "ogg", out=out), essence)
    samples = read(gapped(OPUS, "ogg", gaps_s, out=out), essence, live=live)
    assert abs(len(samples) - len(whole)) <= 0.002 * HZ
    for start_s, end_s in gaps_s:
        quiet = samples[round((start_s + 0.03) * HZ) : round((end_s - 0.03) * HZ)]
        assert not quiet.any()
    last_s = max(end for _, end in gaps_s)
    after = slice(round((last_s + 0.1) * HZ), round(5.9 * HZ))
    # Times in WebM are milliseconds.
    alike = max(
        np.corrcoef(np.roll(samples, shift)[after], whole[after])[0, 1] for shift in range(-48, 49, 4)
    )
    assert alike > 0.98, "what follows is heard once, at its time"


@pytest.mark.parametrize("late_s", [5.0, 7200.0])
def test_a_clock_may_start_late(late_s: float) -> None:
    whole = read(gapped(OPUS, "ogg", out="webm"), "audio/webm")
    assert (
        abs(len(read(gapped(OPUS, "ogg", out="webm", late_s=late_s), "audio/webm")) - len(whole)) <= 0.01 * HZ
    )


def test_a_clock_that_was_set_is_no_silence() -> None:
    jumping = gapped(OPUS, "ogg", ((0.5, 5.5),), out="matroska")
    assert abs(len(read(jumping, "audio/webm")) - 6 * HZ) < 0.1 * HZ
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(libav, "_MOST_GAP_S", 4.0)
        assert abs(len(read(jumping, "audio/webm")) - 1 * HZ) < 0.1 * HZ
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(libav, "_MOST_GAPS_S", 4.0)
        assert abs(len(read(jumping, "audio/webm")) - 1 * HZ) < 0.1 * HZ


@pytest.mark.parametrize("content", [OPUS, VORBIS, gapped(VORBIS, "ogg", out="webm")])
def test_a_whole_recording_gets_no_silence(content: bytes) -> None:
    essence = "audio/webm" if content[:4] != b"OggS" else "audio/ogg"
    with libav.opened(io.BytesIO(content), essence, live=False) as stream:
        rate_hz = stream.format.rate_hz
        frames = sum(len(block) for block in stream.blocks())
    assert abs(frames / rate_hz - 6) < 0.03


def test_chained_recordings_follow_each_other() -> None:
    one = gapped(OPUS, "ogg", ((2.0, 5.0),))
    assert abs(len(read(one * 3, "audio/ogg")) - 18 * HZ) < 0.1 * HZ


def test_live_samples_come_packet_by_packet() -> None:
    with libav.opened(io.BytesIO(OPUS), "audio/ogg", live=True) as stream:
        assert max(len(block) for block in stream.blocks()) <= 2 * 960
    with libav.opened(io.BytesIO(OPUS), "audio/ogg", live=False) as stream:
        assert next(len(block) for block in stream.blocks()) > 100_000


@pytest.mark.parametrize(
    ("container", "subtype", "essence"),
    [
        ("WAV", "GSM610", "audio/wav"),
        ("WAV", "IMA_ADPCM", "audio/wav"),
        ("WAV", "MS_ADPCM", "audio/wav"),
        ("FLAC", "PCM_16", "audio/flac"),
        ("MP3", "MPEG_LAYER_III", "audio/mpeg"),
        ("OGG", "OPUS", "audio/ogg"),
    ],
)
@pytest.mark.parametrize("cut_bytes", [1, 13, 40])
def test_what_was_decoded_before_a_cut_block_is_kept(
    container: str, subtype: str, essence: str, cut_bytes: int
) -> None:
    content = encoded(VOICE, 16000, container, subtype)
    whole, cut = read(content, essence), read(content[:-cut_bytes], essence)
    assert len(cut) > 0.6 * len(whole)
    kept = len(cut) - 2000
    assert np.array_equal(cut[:kept], whole[:kept])


def test_bytes_that_fill_up_a_file_do_no_harm() -> None:
    content = encoded(VOICE[:40_000], 16000, "WAV", "GSM610")
    at = content.index(b"data") + 4
    piped = content[:4] + bytes(4) + content[8:at] + bytes(4) + content[at + 4 :] + b"\0"
    assert np.array_equal(read(piped, "audio/wav"), read(content, "audio/wav"))


@pytest.mark.parametrize("damaged_bytes", [1, 400, 9000])
def test_damage_in_flac_is_silence_and_told(damaged_bytes: int) -> None:
    whole = encoded(VOICE, 16000, "FLAC")
    content = bytearray(whole)
    start = len(content) // 2
    content[start : start + damaged_bytes] = bytes(
        byte ^ 0x5A for byte in content[start : start + damaged_bytes]
    )
    with libav.opened(io.BytesIO(bytes(content)), "audio/flac", live=False) as stream:
        samples = np.concatenate(list(stream.blocks()))[:, 0]
    assert len(samples) == len(VOICE)
    assert np.array_equal(samples[:30_000], read(whole, "audio/flac")[:30_000])
    assert np.array_equal(samples[-30_000:], read(whole, "audio/flac")[-30_000:])
    assert stream.damaged_s == pytest.approx(3, abs=1)


def test_a_damaged_mp3_frame_costs_that_frame() -> None:
    content = bytearray(encoded(VOICE, 16000, "MP3"))
    whole = read(bytes(content), "audio/mpeg")
    content[len(content) // 2 : len(content) // 2 + 300] = bytes(300)
    damaged = read(bytes(content), "audio/mpeg")
    assert len(whole) - 8 * 576 <= len(damaged) <= len(whole)


def test_recordings_of_several_rates_are_refused() -> None:
    one, other = encoded(tone(3, 16000), 16000, "MP3"), encoded(tone(8, 44100), 44100, "MP3")
    with pytest.raises(Undecodable, match="changes its rate"):
        read(one + other, "audio/mpeg")


def test_webm_of_tests_is_read() -> None:
    assert abs(len(read(webm(VOICE, 16000, "opus"), "audio/webm")) - 6 * HZ) < 0.03 * HZ
