"""How long an upload may be, by its purpose: as long as the body of the call that will take it."""

from __future__ import annotations

from chalicelib.customization import limits
from chalicelib.direct_uploads.uploads import Purpose
from chalicelib.jobs import recognition_jobs
from chalicelib.recognition.request import backend

_LONGEST_BYTES = {
    Purpose.AUDIO: limits.AUDIO_BYTES,
    Purpose.RECOGNITION: backend.MAX_AUDIO_BYTES,
    Purpose.JOB: recognition_jobs.MAX_AUDIO_BYTES,
}


def longest_bytes(purpose: Purpose | None) -> int:
    """Return how long an upload for a purpose may be; None: for any."""
    return max(_LONGEST_BYTES.values()) if purpose is None else _LONGEST_BYTES[purpose]
