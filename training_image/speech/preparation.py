"""All recordings of a plan, decoded and cut side by side."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from training_image.container.workers import worker_processes
from training_image.plan import TrainingPlan
from training_image.speech.recordings import LeftOutAudio, PreparedAudio, prepare
from training_image.speech.utterances import Utterance

_log = logging.getLogger(__name__)


def prepare_all(
    plan: TrainingPlan,
    *,
    audio: Path,
    scratch: Path,
    rate_hz: int,
    cores: int,
    least_rate_hz: int | None = None,
    report_progress: Callable[[float, str], None],
) -> PreparedAudio:
    """Decode every recording below `audio` into `scratch`; the result follows the order of the plan.

    Utterances with the very samples of an earlier one are left out: they would weigh twice, and held out
    they would judge what was learned by heart.

    Raises:
        OSError: the disk is full or not writable.
    """
    files = [audio / recording.file for recording in plan.recordings]
    sizes = [file.stat().st_size if file.is_file() else 0 for file in files]
    total_bytes, done_bytes = max(sum(sizes), 1), 0
    count = len(plan.recordings)
    parts: list[PreparedAudio] = []
    with worker_processes(min(cores, count)) as workers:
        scratch_files = [scratch / f"{index}.pcm" for index in range(count)]
        prepared = workers.map(
            prepare,
            plan.recordings,
            files,
            scratch_files,
            itertools.repeat(rate_hz),
            itertools.repeat(least_rate_hz),
        )
        for number, (size_bytes, part) in enumerate(zip(sizes, prepared, strict=True), start=1):
            for entry in part.left_out:
                _log.info("left out: %s", entry)
            parts.append(part)
            done_bytes += size_bytes
            found = sum(part.recordings for part in parts)
            report_progress(
                done_bytes / total_bytes, f"finding speech, upload {number} of {count}, {found} recordings"
            )
    return _without_repetitions(parts)


def _without_repetitions(parts: Sequence[PreparedAudio]) -> PreparedAudio:
    first_seen: dict[bytes, Utterance] = {}
    utterances: list[Utterance] = []
    digests: list[bytes] = []
    left_out: list[LeftOutAudio] = []
    for part in parts:
        left_out.extend(part.left_out)
        for utterance, digest in zip(part.utterances, part.digests, strict=True):
            earlier = first_seen.setdefault(digest, utterance)
            if earlier is utterance:
                utterances.append(utterance)
                digests.append(digest)
            else:
                left_out.append(_repetition(utterance, earlier))
    return PreparedAudio(
        utterances=tuple(utterances),
        digests=tuple(digests),
        left_out=tuple(left_out),
        audio_s=sum(part.audio_s for part in parts),
        speech_s=sum(part.speech_s for part in parts),
        recordings=sum(part.recordings for part in parts),
    )


def _repetition(utterance: Utterance, earlier: Utterance) -> LeftOutAudio:
    where = earlier.audio_name if earlier.member is None else f"{earlier.audio_name} ({earlier.member})"
    return LeftOutAudio(
        utterance.audio_name,
        utterance.member,
        utterance.start_s,
        utterance.end_s,
        f"the same audio as in {where} at {earlier.start_s:.1f} s",
    )
