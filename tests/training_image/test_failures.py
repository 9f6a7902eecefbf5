"""Reasons that a model's user can read."""

from __future__ import annotations

import errno
from concurrent.futures.process import BrokenProcessPool

import pytest

from training_image.failures import MAX_FAILURE_CHARACTERS, JobFailed, reason_of


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (JobFailed("No speech was found."), "No speech was found."),
        (
            OSError(errno.ENOSPC, "No space left on device", "/opt/ml/checkpoints/x"),
            "disk of the training machine",
        ),
        (MemoryError(), "ran out of memory"),
        (BrokenProcessPool("a child died"), "ran out of memory"),
        (KeyError("/opt/ml/secret"), r"internal error \(KeyError\)"),
        (OSError(errno.EACCES, "Permission denied", "/opt/ml/model"), r"internal error \(PermissionError\)"),
    ],
)
def test_a_reason_says_what_to_do_and_nothing_internal(error: Exception, words: str) -> None:
    reason = reason_of(error)
    with pytest.raises(JobFailed, match=words):
        raise JobFailed(reason)
    assert "/opt" not in reason


def test_a_reason_is_as_long_as_sagemaker_passes_on() -> None:
    reason = reason_of(JobFailed("x" * 5000))
    assert len(reason) == MAX_FAILURE_CHARACTERS
    assert reason.endswith("…")
