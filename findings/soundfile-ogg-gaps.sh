#!/usr/bin/env bash
# soundfile 0.14.0 (libsndfile 1.2.2): of Ogg Opus in which packets are missing it reads a part twice, and which part
# depends on the size of the blocks.
#
# Twelve seconds, each a tone of its own, without the packets of three of them, as recorders leave pauses out: the times in the
# file go on, and 12 s are announced. Read to its end at once, the file gives the seconds 0 1 2 6 7 8 9 10 11 9 10 11: after each read
# soundfile seeks to where it must be by its own count, and libsndfile finds that place by the times of the pages, which count the gap.
# With blocks of one second it is 7 8 9 that are heard twice. Speech recognition on such files hears words that nobody said again.
# FFmpeg's libraries (av 18.1.0) read nine different seconds. Fails if no second is read twice any more.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check soundfile==0.14.0 av==18.1.0 numpy==2.4.6
cat > "$work/read.py" <<'PY'
import io
import sys

import av
import numpy as np
import soundfile

HZ = 16_000
tones = [0.3 * np.sin(2 * np.pi * (300 + 100 * number) * np.arange(HZ) / HZ) for number in range(12)]
whole, gapped = io.BytesIO(), io.BytesIO()
soundfile.write(whole, np.concatenate(tones), HZ, format="OGG", subtype="OPUS")
whole.seek(0)
with av.open(whole, mode="r", format="ogg") as source:
    with av.open(gapped, "w", format="ogg", options={"page_duration": "20000"}) as target:
        stream = target.add_stream_from_template(source.streams.audio[0])
        for packet in source.demux(source.streams.audio[0]):
            if packet.pts is not None and not 3 <= packet.pts * packet.time_base < 6:
                packet.stream = stream
                target.mux(packet)


def seconds(samples: np.ndarray, rate_hz: int) -> list[int]:
    heard = []
    for start in range(0, len(samples) - rate_hz + 1, rate_hz):
        spectrum = np.abs(np.fft.rfft(samples[start : start + rate_hz]))
        heard.append(round((int(spectrum.argmax()) - 300) / 100))
    return heard


def by_soundfile(block: int) -> list[int]:
    gapped.seek(0)
    parts = []
    with soundfile.SoundFile(gapped) as file:
        while len(part := file.read(block)):
            parts.append(part)
    return seconds(np.concatenate(parts), HZ)


def by_ffmpeg() -> list[int]:
    gapped.seek(0)
    with av.open(gapped, mode="r", format="ogg") as file:
        samples = np.concatenate([frame.to_ndarray()[0] for frame in file.decode(audio=0)])
    return seconds(samples, 48_000)


at_once, in_blocks, other = by_soundfile(-1), by_soundfile(HZ), by_ffmpeg()
print(f"soundfile, at once:           {at_once}")
print(f"soundfile, blocks of 1 s:     {in_blocks}")
print(f"FFmpeg's libraries:           {other}")
twice = len(set(at_once)) < len(at_once) and len(set(in_blocks)) < len(in_blocks)
sys.exit(0 if twice and len(set(other)) == len(other) == 9 else 1)
PY
"$work/venv/bin/python" "$work/read.py"
