"""Makes the embedded network ready for a layer: `python -m chalicelib.engines.whisper.prepared FROM TO`."""

from __future__ import annotations

import sys
from pathlib import Path

from chalicelib.engines.whisper.model.short_window import taught_folder
from chalicelib.engines.whisper.model.weights import MODEL_SHA256


def prepare(source: Path, target: Path) -> Path:
    """Write the network, as it was taught, in eight bits, into a folder below `target`; return that folder.

    Args:
        source: folder of the embedded network, as its package brings it.
        target: where `weights.embedded` finds it when it is on Python's path as `weights.PREPARED`.

    Raises:
        engines.errors.ModelUnreadable: the network is damaged.
    """
    folder = taught_folder(source, MODEL_SHA256, target)
    (folder / "tokenizer.json").unlink(missing_ok=True)  # the vocabulary says the same
    return folder


if __name__ == "__main__":
    print(prepare(Path(sys.argv[1]), Path(sys.argv[2])))
