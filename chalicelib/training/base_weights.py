"""The weights of a staged base in the bucket, where its training jobs find them: stored once, by content."""

from __future__ import annotations

from chalicelib.engines import staged
from chalicelib.engines.catalogue import BaseVersion
from chalicelib.engines.staged import StagedBase
from chalicelib.storage import layout, objects


def prefix(base: BaseVersion) -> str | None:
    """Return where the weights of a base lie in the bucket; None for those that come with the engine.

    Raises:
        BaseUnreadable: the base is not staged any more.
    """
    if base.base is None:
        return None
    _, found = staged.located(base.base)
    return _prefix(found)


def store(base: BaseVersion) -> None:
    """Put the weights of a staged base into the bucket, if they are not there yet.

    The file of the network comes last: where it is, everything is.

    Raises:
        BaseUnreadable: the base is not staged any more, or a file of it has gone.
    """
    if base.base is None:
        return
    folder, found = staged.located(base.base)
    target = _prefix(found)
    if objects.exists(f"{target}{staged.WEIGHTS}"):
        return
    for name in sorted(found.files, key=lambda name: name == staged.WEIGHTS):
        objects.upload(folder / name, f"{target}{name}")


def _prefix(base: StagedBase) -> str:
    return layout.base_weights_prefix(base.name, base.weights.sha256)
