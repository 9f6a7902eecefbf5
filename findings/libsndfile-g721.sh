#!/usr/bin/env bash
# soundfile 0.14.0 (libsndfile 1.2.2) and FFmpeg's libraries (av 18.1.0): two disagreements about G.721 and G.723 in AU files.
#
# G.721 (32 kbit/s): libsndfile's coder and decoder fit each other, but not the standard's. What it writes has 20.2 dB of signal to noise
# when it reads it itself, and 18.4 dB when FFmpeg or SoX does; what FFmpeg writes has 20.1 dB in FFmpeg and SoX, and 18.6 dB in libsndfile
# (speech, 8 kHz). With the steady harmonics below it is 24.6 dB by itself and 8.7 dB by FFmpeg.
# G.723 at 40 kbit/s: FFmpeg's AU reader makes packets that do not end where a sample does, and drops the bits left over. What libsndfile
# wrote has 26.9 dB in libsndfile, 20.2 dB in SoX and 7.8 dB in FFmpeg. Fails if FFmpeg reads it as well as others.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check soundfile==0.14.0 av==18.1.0 numpy==2.4.6
cat > "$work/read.py" <<'PY'
import io

import av
import numpy as np
import soundfile

HZ = 8000
rng = np.random.default_rng(1)
times = np.arange(8 * HZ) / HZ
voice = sum(np.sin(2 * np.pi * 120 * number * times + number) / number for number in range(1, 20))
voice *= 0.05 * (1 + np.sin(2 * np.pi * 3 * times)) + 0.001 * rng.standard_normal(len(times))


def noise_db(samples):
    count = min(len(samples), len(voice))
    error = samples[:count] - voice[:count]
    return 10 * np.log10((voice[:count] ** 2).sum() / (error**2).sum())


for subtype in ("G721_32", "G723_24", "G723_40"):
    written = io.BytesIO()
    soundfile.write(written, voice, HZ, format="AU", subtype=subtype)
    written.seek(0)
    itself = noise_db(soundfile.read(written)[0])
    written.seek(0)
    with av.open(written, format="au") as container:
        parts = [frame.to_ndarray().reshape(-1) for frame in container.decode(audio=0)]
    ffmpeg = noise_db(np.concatenate(parts) / 32768)
    print(f"{subtype}: {itself:.1f} dB read by libsndfile, {ffmpeg:.1f} dB read by FFmpeg")
assert itself - ffmpeg > 10, "FFmpeg reads G.723 at 40 kbit/s as well as others"
PY
"$work/venv/bin/python" "$work/read.py"
