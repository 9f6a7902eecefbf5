"""Takes FFmpeg's encoders of video out of an installation: `python -m infra.encoders`. Nobody encodes here.

PyAV's wheel brings them along; two of them, x264 and x265, are under the GPL, which binds whoever hands on a
container image (THIRD-PARTY.md). What replaces them has their functions' names, and returns zero.
"""

from __future__ import annotations

import importlib.util
import platform
import sys
from pathlib import Path

from infra import layer_libraries
from infra.layer_libraries import Binutils, NoBinutils

FFMPEG = "av.libs"
_PATTERNS = ("libx265-*", "libx264-*", "libSvtAv1Enc-*")
"""13 to 30 MB. FFmpeg asks them what they can do, and is told nothing."""


def of(folder: Path) -> list[Path]:
    """Return the encoders below a folder with packages."""
    return sorted(path for pattern in _PATTERNS for path in (folder / FFMPEG).glob(pattern))


def replace(folder: Path, tools: Binutils) -> int:
    """Replace the encoders below a folder with packages; return how many there were."""
    found = of(folder)
    users = [path for path in (folder / FFMPEG).glob("libav*") if path.is_file()]
    for encoder in found:
        layer_libraries.stand_in(encoder, users, tools)
    return len(found)


def main() -> int:
    """Replace those of this Python's installation; returns the exit status."""
    found = importlib.util.find_spec("av")
    if found is None or found.origin is None:
        print("PyAV is not installed here.", file=sys.stderr)
        return 1
    try:
        replaced = replace(Path(found.origin).parent.parent, layer_libraries.binutils(platform.machine()))
    except NoBinutils as reason:
        print(f"The encoders stay as they are: {reason}", file=sys.stderr)
        return 1
    print(f"{replaced} encoders of video were replaced.")
    return 0 if replaced else 1


if __name__ == "__main__":
    sys.exit(main())
