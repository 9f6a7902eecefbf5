"""Merges changes into a network, in eight bits, in a folder that every later start uses again."""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from chalicelib.engines.errors import ModelUnreadable
from chalicelib.engines.whisper.low_rank import Delta, merged
from chalicelib.engines.whisper.model_file import model_bytes, quantised, read_model

_MODEL, _SUMS = "model.bin", "merged.json"
_BESIDE = ("config.json", "vocabulary.txt", "vocabulary.json", "tokenizer.json", "preprocessor_config.json")
_FORMAT = 1
"""Counts up whenever the same base and changes would give another file."""


@dataclass(frozen=True)
class Share:
    """A change, and how much of it is merged."""

    delta: Delta
    alpha: float = 1.0
    """0…1."""


def merged_folder(base: Path, base_sha256: str, shares: Sequence[Share], cache: Path) -> Path:
    """Return a folder that `ctranslate2.models.Whisper` can load: the base with the changes, in eight bits.

    It is made once, in a second or two, and used again by every later start: its name tells base, changes and
    shares. Several processes may ask for it at once; what a killed one left unfinished is never used.

    Args:
        base: folder of the base as CTranslate2 has it: model.bin, config.json and a vocabulary.
        base_sha256: checksum of its model.bin, which the caller has checked.
        shares: the changes, merged in this order.
        cache: folder in which merged networks lie; made if need be.

    Raises:
        ModelUnreadable: the base or a change is damaged, or they do not belong together.
    """
    key = json.dumps([_FORMAT, base_sha256, [[one.delta.sha256, float(one.alpha)] for one in shares]])
    folder = cache / hashlib.sha256(key.encode()).hexdigest()[:32]
    if _whole(folder):
        return folder
    model = read_model(base / _MODEL)
    for share in shares:
        model = merged(model, share.delta, base_sha256, share.alpha)
    content = model_bytes(quantised(model))
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
        (part / _MODEL).write_bytes(content)
        sums = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(part.iterdir())}
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
        return bool(sums) and all(_sha256(folder / name) == sum_ for name, sum_ in sums.items())
    except (OSError, ValueError):
        return False


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
