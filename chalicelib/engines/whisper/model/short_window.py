"""What the embedded network was taught: to hear in short windows what it hears in 30 seconds."""

from __future__ import annotations

from pathlib import Path

from chalicelib.engines.whisper.mel import Window
from chalicelib.engines.whisper.model.low_rank import Delta, read_delta
from chalicelib.engines.whisper.model.merging import Share, merged_folder

DELTA_SHA256 = "d401fd3ce190c20a7a6e586911b2645ad29a703f4ad9e44e35dc5ae1455c11c1"
WINDOW = Window(least_s=6.0, beyond_s=2.0, most_speech_s=20.0)
"""What it was taught. Of longer speech without pauses, letters above all, it leaves out whole seconds."""
_DELTA = Path(__file__).parent.parent / "data" / "short-window.safetensors"


def taught_folder(base: Path, base_sha256: str, cache: Path) -> Path:
    """Return a folder with the embedded network as it was taught, in eight bits, ready for CTranslate2.

    Args:
        base: folder of the embedded weights.
        base_sha256: checksum of its model.bin, which the caller has checked.
        cache: folder in which merged networks lie; made if need be.

    Raises:
        ModelUnreadable: a file is damaged, or does not belong to that base.
    """
    return merged_folder(base, base_sha256, [Share(short_window())], cache)


def short_window() -> Delta:
    """Return the change that comes with this package.

    Raises:
        ModelUnreadable: its file is missing or damaged.
    """
    return read_delta(_DELTA, DELTA_SHA256)
