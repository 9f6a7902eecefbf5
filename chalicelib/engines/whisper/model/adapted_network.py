"""The weights of an adapted network, made in memory of its base and what it was taught; no copy on disk.

The base is its folder in eight bits with the remainders beside it (`merging`): so a change is merged in a
tenth of a second, and with the same result wherever only that folder is, such as in a layer of Lambda.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from chalicelib.engines import adapted_model
from chalicelib.engines.errors import ModelUnreadable
from chalicelib.engines.whisper.model import safetensors_file
from chalicelib.engines.whisper.model.low_rank import FILE_NAME, Change, Delta, NotForThisBase, parse_delta
from chalicelib.engines.whisper.model.merging import MODEL, REMAINDERS, Share
from chalicelib.engines.whisper.model.model_file import parse_model
from chalicelib.engines.whisper.model.remainders import change_in_eight_bits
from chalicelib.engines.whisper.model.weights import NetworkWeights

ENGINE = "whisper"
MOST_BYTES = 128 << 20
"""Of what was taught: three hundredths of the largest network of the family, with room."""
_MOST_UNPACKED_BYTES = MOST_BYTES + (80 << 20)
"""The report may name every utterance of 200 hours."""


def read_artefact(path: Path, base_version: str) -> Delta | None:
    """Return what an adapted model was taught, None where training kept the base.

    Raises:
        ModelUnreadable: damaged, too large, or made by another engine or for another base version.
    """
    files = adapted_model.read(
        path,
        {FILE_NAME: MOST_BYTES},
        engine=ENGINE,
        base_version=base_version,
        max_unpacked_bytes=_MOST_UNPACKED_BYTES,
    )
    if FILE_NAME not in files:
        return None
    try:
        return parse_delta(files[FILE_NAME])
    except ModelUnreadable as reason:
        raise ModelUnreadable(f"{path.name}: {FILE_NAME} {reason}") from None


def check_taught_to(delta: Delta, weights: NetworkWeights) -> None:
    """Refuse a change that was taught to other weights, or to the same with something else beneath.

    Raises:
        NotForThisBase: it was.
    """
    if delta.base_sha256 != weights.base_sha256:
        raise NotForThisBase(
            f"it was taught to the base {delta.base_sha256}, not to {weights.base_sha256 or 'this one'}: "
            "train the model anew"
        )
    if delta.beneath != weights.beneath:
        raise NotForThisBase(
            f"it was taught with {_named(delta.beneath)} beneath, but the base has "
            f"{_named(weights.beneath)}: train the model anew"
        )


def _named(beneath: Sequence[str]) -> str:
    return ", ".join(beneath) or "nothing"


@contextlib.contextmanager
def folder_in_memory(weights: NetworkWeights, shares: Sequence[Share]) -> Iterator[Path]:
    """Give a folder that `ctranslate2.models.Whisper` loads: the base with the changes, in eight bits.

    Its model.bin lies in memory, where it is read by a path: what CTranslate2 is given as `files=` it keeps
    beside the network, 42 MB for the smallest. The folder goes with the context.

    Args:
        weights: the base.
        shares: what was taught to it.

    Raises:
        NotForThisBase: the changes do not belong to it.
        ModelUnreadable: it is damaged, or came without remainders.
    """
    for share in shares:
        check_taught_to(share.delta, weights)
    changes = [(one.alpha, change) for one in shares if one.alpha for change in one.delta.changes]
    with contextlib.ExitStack() as stack:
        try:
            descriptor = _changed(stack, weights.folder, changes)
            made = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="attune-network-")))
            for path in weights.folder.iterdir():
                target = f"/proc/self/fd/{descriptor}" if path.name == MODEL else path.absolute()
                (made / path.name).symlink_to(target)
        except OSError as error:
            raise ModelUnreadable(f"the base of {weights.folder} cannot be changed: {error}") from None
        yield made


def _changed(stack: contextlib.ExitStack, folder: Path, changes: Sequence[tuple[float, Change]]) -> int:
    """Return the descriptor of a file in memory with a folder's network, changed; the stack closes it."""
    try:
        rest = safetensors_file.parse((folder / REMAINDERS).read_bytes()).arrays
    except ModelUnreadable as reason:
        raise ModelUnreadable(f"{folder / REMAINDERS} {reason}") from None
    size_bytes = (folder / MODEL).stat().st_size
    descriptor = os.memfd_create("adapted network", os.MFD_CLOEXEC)
    stack.callback(os.close, descriptor)
    os.ftruncate(descriptor, size_bytes)
    memory = mmap.mmap(descriptor, size_bytes, flags=mmap.MAP_SHARED | mmap.MAP_POPULATE)
    with (folder / MODEL).open("rb") as base:
        base.readinto(memory)
    change_in_eight_bits(parse_model(memory).arrays, rest, changes)
    memory.close()
    return descriptor
