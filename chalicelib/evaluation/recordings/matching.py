"""Which transcript belongs to which recording of an archive, and which have no partner."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePosixPath

from chalicelib.evaluation.recordings.transcripts import ReferenceTranscript, TranscriptFinding, too_long
from chalicelib.evaluation.wording import script_of, scripts_in

_MOST_OTHER_LETTERS = 0.5
"""A transcript with a larger share of letters of other scripts than the set's was mistaken."""


class Names:
    """The recordings of an archive, found by the names that people write."""

    def __init__(self, names: Iterable[str]) -> None:
        """Take the paths of the recordings in the archive."""
        self._by_form: dict[str, set[str]] = defaultdict(set)
        for name in names:
            for form in _forms(PurePosixPath(name)):
                self._by_form[form].add(name)

    def of(self, written: str) -> set[str]:
        """Return the paths that a name may mean: the path, the name alone, either without its ending."""
        path = PurePosixPath(written.replace("\\", "/"))
        for form in (str(path), str(path).lower(), path.name.lower()):
            if found := self._by_form.get(form):
                return found
        return set()


def _forms(path: PurePosixPath) -> Iterator[str]:
    for form in (path, path.with_suffix("")):
        yield from (str(form), str(form).lower(), form.name.lower())


def matched(
    found: Sequence[ReferenceTranscript], names: Sequence[str]
) -> tuple[dict[str, list[ReferenceTranscript]], list[TranscriptFinding]]:
    """Return the transcripts of each recording that has some, in the order of the archive; and the rest.

    Args:
        found: all transcripts.
        names: paths of what may be recordings.
    """
    findings: list[TranscriptFinding] = []
    known = Names(names)
    of_recording: dict[str, list[ReferenceTranscript]] = defaultdict(list)
    for transcript in found:
        meant = known.of(transcript.file)
        if len(meant) == 1:
            of_recording[next(iter(meant))].append(transcript)
        else:
            findings.append(_not_found(transcript, len(meant)))
    main_script = script_of(" ".join(transcript.text for transcript in found))
    kept: dict[str, list[ReferenceTranscript]] = {}
    for name in names:
        usable = [one for one in of_recording.get(name, []) if not _said(one, main_script, findings)]
        if name not in of_recording:
            findings.append(TranscriptFinding(name, _no_transcript(name)))
        elif (doubled := _doubled(usable)) is not None:
            findings.append(TranscriptFinding(name, doubled))
        elif usable:
            kept[name] = sorted(_once(usable), key=lambda one: one.start_s or 0.0)
    return kept, findings


def _not_found(transcript: ReferenceTranscript, recordings: int) -> TranscriptFinding:
    named = transcript.file[:100]
    if recordings:
        message = (
            f"'{named}' may mean {recordings} recordings in different folders. "
            "Write the path, with the folder, as the archive has it."
        )
    elif transcript.beside:
        message = (
            "There is no recording beside this text. Give both the same name, such as call.wav and call.txt."
        )
    else:
        message = f"The archive has no recording '{named}'. Add it, or correct its name."
    return TranscriptFinding(transcript.source, message, transcript.line)


def _no_transcript(name: str) -> str:
    text = PurePosixPath(name).with_suffix(".txt").name
    return (
        f"This has no transcript, and was left out. Put {text} beside it, or a line with its name into a "
        "table; leave it out if it is no recording."
    )


def _said(
    transcript: ReferenceTranscript, main_script: str | None, findings: list[TranscriptFinding]
) -> bool:
    """Say what is wrong with a transcript by itself; False: nothing is."""
    message = None
    letters = scripts_in(transcript.text)
    other = sum(count for script, count in letters.items() if script != main_script)
    if not any(map(str.isalnum, transcript.text)):
        message = "This transcript has no words. Write what is said, or leave the recording out."
    elif too_long(transcript):
        message = "This transcript is longer than anybody says in five minutes. Cut the recording into parts."
    elif letters and other > _MOST_OTHER_LETTERS * letters.total():
        script = script_of(transcript.text)
        message = (
            f"This transcript is in {script} letters, the others are in {main_script}. Correct it, or put "
            "recordings of another language into a test set of their own."
        )
    if message is not None:
        findings.append(TranscriptFinding(transcript.source, message, transcript.line))
    return message is not None


def _once(usable: Sequence[ReferenceTranscript]) -> list[ReferenceTranscript]:
    """Leave out what says the same of the same once more."""
    return list({(one.start_s, one.end_s, one.text): one for one in usable}.values())


def _doubled(usable: Sequence[ReferenceTranscript]) -> str | None:
    """Say of a recording's transcripts that they contradict each other; None: they do not."""
    once = _once(usable)
    if len(once) < 2:
        return None
    whole = [one for one in once if one.start_s is None]
    if whole:
        places = " and ".join(one.where for one in once[:2])
        return f"This has two transcripts, in {places}, and was left out. Keep one of them."
    (part, count), *_ = Counter((one.start_s, one.end_s) for one in once).most_common(1)
    if count > 1:
        places = " and ".join(one.where for one in once if (one.start_s, one.end_s) == part)
        return (
            f"The part from {part[0]:g} to {part[1]:g} s has two transcripts, in {places}. Keep one of them."
        )
    return None
