#!/usr/bin/env bash
# PyTorch 2.13.0 on a CPU: training on batches of ever new lengths takes gigabytes that no tensor holds, and two
# environment variables, which must both be set, bound it.
#
# Seen on x86-64 Linux (AVX-512) with two linear layers, 400 steps, each on another number of rows: about 3.5 GB more at the end,
# in bfloat16 as in single precision; about 6 MB when every step has the same number of rows. What is kept are oneDNN's
# primitives: ONEDNN_PRIMITIVE_CACHE_CAPACITY bounds one cache of them (then about 0.9 GB), LRU_CACHE_CAPACITY one of
# PyTorch's own (about 2.1 GB); both at 16: about 80 MB. Who fine-tunes on utterances of many lengths meets it soon.
# Fails if 150 lengths no longer take ten times what they take with both bounds.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6
cat > "$work/measure.py" <<'PY'
from pathlib import Path

import torch


def resident_mb() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 // 1_000_000


torch.set_num_threads(1)
network = torch.nn.Sequential(torch.nn.Linear(384, 1536), torch.nn.GELU(), torch.nn.Linear(1536, 384))


def step(rows: int) -> None:
    network(torch.randn(rows, 384)).square().mean().backward()
    network.zero_grad()


for _ in range(3):
    step(1500)
before_mb = resident_mb()
for number in range(150):
    step(1000 + 4 * number)
print(max(resident_mb() - before_mb, 1))
PY
python="$work/venv/bin/python"
plain=$(env -u LRU_CACHE_CAPACITY -u ONEDNN_PRIMITIVE_CACHE_CAPACITY "$python" "$work/measure.py")
bounded=$(LRU_CACHE_CAPACITY=16 ONEDNN_PRIMITIVE_CACHE_CAPACITY=16 "$python" "$work/measure.py")
echo "PyTorch 2.13.0: 150 lengths take $plain MB by default, $bounded MB with both caches bounded"
[ "$plain" -ge $((10 * bounded)) ]
