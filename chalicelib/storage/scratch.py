"""Temporary folders of a call: removed when it ends, and soon after it was killed.

Lambda starts a function anew in the same sandbox after a crash or a timeout, with its disk as it was. On one
machine the service empties its folder of temporary files when it starts.
"""

from __future__ import annotations

import functools
import os
import shutil
import tempfile
from pathlib import Path

_PREFIX = "attune-work-"


def folder() -> tempfile.TemporaryDirectory[str]:
    """Return a new folder, to be used in a `with` statement."""
    if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
        _clear_what_was_left()
    return tempfile.TemporaryDirectory(prefix=_PREFIX)


@functools.cache
def _clear_what_was_left() -> None:
    """Remove the folders of this sandbox's former process; this one has none yet."""
    for path in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        shutil.rmtree(path, ignore_errors=True)
