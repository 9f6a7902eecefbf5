"""Merges changes into a network, in eight bits, in a folder that every later start uses again."""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from chalicelib.engines.errors import ModelUnreadable
from chalicelib.engines.whisper.model import safetensors_file
from chalicelib.engines.whisper.model.checked_file import check, checksum
from chalicelib.engines.whisper.model.low_rank import Delta, merged
from chalicelib.engines.whisper.model.model_file import model_bytes, quantised, read_model
from chalicelib.engines.whisper.model.remainders import remainders

MODEL, REMAINDERS = "model.bin", "remainders.safetensors"
_SUMS = "merged.json"
_BESIDE = ("config.json", "vocabulary.txt", "vocabulary.json", "tokenizer.json", "preprocessor_config.json")
_FORMAT = 2
"""Counts up whenever the same base and changes would give another file."""


@dataclass(frozen=True)
class Share:
    """A change, and how much of it is merged."""

    delta: Delta
    alpha: float = 1.0
    """0…1."""


def merged_folder(base: Path, base_sha256: str, shares: Sequence[Share], cache: Path) -> Path:
    """Return a folder that `ctranslate2.models.Whisper` can load: the base with the changes, in eight bits.

    Beside it lies what eight bits leave out, for those who merge more into it. It is made once, in a second
    or two, and used again by every later start: its name tells base, changes and shares. Several processes
    may ask for it at once; what a killed one left unfinished is never used.

    Args:
        base: folder of the base as CTranslate2 has it: model.bin, config.json and a vocabulary.
        base_sha256: checksum of its model.bin, which the caller has checked.
        shares: the changes, merged in this order.
        cache: folder in which merged networks lie; made if need be.

    Raises:
        ModelUnreadable: the base or a change is damaged, or they do not belong together.
    """
    key = json.dumps([_FORMAT, base_sha256, [[one.delta.sha256, float(one.alpha)] for one in shares]])
    folder = cache / sha256(key.encode()).hexdigest()[:32]
    if _whole(folder):
        return folder
    model = read_model(base / MODEL)
    for share in shares:
        model = merged(model, share.delta, base_sha256, share.alpha)
    in_eight_bits = quantised(model)
    content = model_bytes(in_eight_bits)
    rest = safetensors_file.packed(remainders(model, in_eight_bits), {})
    beside = [base / name for name in _BESIDE if (base / name).is_file()]
    if not {"config.json"} < {path.name for path in beside}:
        raise ModelUnreadable(
            f"{base} is no network of CTranslate2: config.json or its vocabulary is missing"
        )
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".unfinished-", dir=cache) as unfinished:
        part = Path(unfinished) / "part"
        part.mkdir()
        for path in beside:
            shutil.copyfile(path, part / path.name)
        (part / MODEL).write_bytes(content)
        (part / REMAINDERS).write_bytes(rest)
        sums = {path.name: [checksum(path), path.stat().st_size] for path in sorted(part.iterdir())}
        (part / _SUMS).write_text(json.dumps(sums))
        if folder.exists() and not _whole(folder):
            with contextlib.suppress(FileNotFoundError):  # somebody else has seen it, too
                folder.rename(Path(unfinished) / "damaged")
        try:
            part.rename(folder)
        except OSError:
            if not _whole(folder):  # nobody else was quicker: the disk says no
                raise
    return folder


def _whole(folder: Path) -> bool:
    """Say whether every file of a merged network is there as it was written."""
    try:
        sums = json.loads((folder / _SUMS).read_bytes())
        for name, (stated, size_bytes) in sums.items():
            check(folder / name, stated, size_bytes, "it is made anew")
    except (OSError, ValueError, TypeError, AttributeError, ModelUnreadable):
        return False
    return bool(sums)
