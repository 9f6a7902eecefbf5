"""`python -m tests.infra.local.store.store_of_tests …`: the store on a disk that fails when, and how, a test says.

The file that FAULTS names has a call of `os` and the name of an error in each line, as `fdatasync EIO`. The
store's other calls, and the same calls for other files than its own, are not touched.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from infra.local.store import server

CALLS = ("pwrite", "fdatasync", "fsync", "ftruncate")


def _failing(name: str, call: Callable[..., Any], faults: Path) -> Callable[..., Any]:
    def failing(*arguments: Any) -> Any:
        for line in faults.read_text().splitlines() if faults.exists() else ():
            wanted, _, error = line.partition(" ")
            if wanted == name:
                number = getattr(errno, error)
                raise OSError(number, os.strerror(number))
        return call(*arguments)

    return failing


def main() -> None:
    """Run as the store does."""
    faults = Path(os.environ["FAULTS"])
    for name in CALLS:
        setattr(os, name, _failing(name, getattr(os, name), faults))
    server.main()


if __name__ == "__main__":
    main()
