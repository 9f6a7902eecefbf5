"""Why a job ends without a model, in words for the model's user."""

from __future__ import annotations

import errno
from concurrent.futures.process import BrokenProcessPool

MAX_FAILURE_CHARACTERS = 1024
"""SageMaker passes on no more of /opt/ml/output/failure."""

_DISK_FULL = {errno.ENOSPC, errno.EDQUOT}


class JobFailed(Exception):
    """The job cannot give a model; the message says why and what to do, and names nothing internal."""


class JobStopped(BaseException):
    """The platform asked the job to end. Not an `Exception`: nothing on the way may take it for a failure."""


def reason_of(error: Exception) -> str:
    """Return what the model's user should read about an error, at most 1,024 characters."""
    if isinstance(error, JobFailed):
        reason = str(error)
    elif isinstance(error, OSError) and error.errno in _DISK_FULL:
        reason = (
            "The disk of the training machine is full. Train with less audio, or have the operator give the "
            "training job a larger volume."
        )
    elif isinstance(error, MemoryError | BrokenProcessPool):
        reason = (
            "The training machine ran out of memory. Train again; if it fails again, train with less audio, "
            "or have the operator choose a larger training instance."
        )
    else:
        reason = (
            f"Training failed because of an internal error ({type(error).__name__}). Train again; if it "
            "fails again, the operator finds the details in the training job's log."
        )
    if len(reason) > MAX_FAILURE_CHARACTERS:
        reason = reason[: MAX_FAILURE_CHARACTERS - 1] + "…"
    return reason
