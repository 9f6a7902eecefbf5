"""What a comparison without transcripts is made on: sentences of a custom model's recordings, cut out once.

So both models hear the same stretches, and the same sentence of both can be put side by side.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from chalicelib.audio import content_types
from chalicelib.audio.archives import archive_members, documents
from chalicelib.audio.archives.archive_members import ArchiveError
from chalicelib.audio.content_types import ContentType, ContentTypeError
from chalicelib.audio.errors import AudioError
from chalicelib.customization import acoustic_models
from chalicelib.customization.acoustic import audio_resources
from chalicelib.engines import catalogue
from chalicelib.evaluation import limits
from chalicelib.evaluation.errors import EvaluationRefused
from chalicelib.evaluation.recordings import chosen_audio
from chalicelib.evaluation.recordings.chosen_audio import ChosenAudio, Place
from chalicelib.evaluation.recordings.listing import ListedUtterance, UtteranceListing
from chalicelib.evaluation.recordings.transcripts import TranscriptFinding
from chalicelib.evaluation.recordings.unpacking import wav
from chalicelib.recognition.audio import recordings, utterances
from chalicelib.recognition.audio.recordings import DecodedRecording
from chalicelib.recognition.audio.utterances import Cutting
from chalicelib.sharing import usage
from chalicelib.storage import objects, scratch
from chalicelib.storage.layout import EvaluationKey
from chalicelib.storage.tables import AudioResource

_MOST_RESOURCES_BYTES = 1 << 30
_MOST_DECODED_S = 20 * 3600.0
"""Held-out sentences are spread over all recordings: of very many, a share is looked at."""
_NO_SPEECH = "No sentence was found in these recordings. Choose others, in which people speak."


def cut(owner: str, evaluation_id: str, chosen: ChosenAudio, base_version: str) -> UtteranceListing:
    """Cut sentences out of recordings, and put each into the bucket; again it would give the same.

    Args:
        owner: of the evaluation.
        evaluation_id: whose sentences they are.
        chosen: the recordings.
        base_version: that hears them.

    Raises:
        EvaluationRefused: there are none, for a reason that the user can read.
        sharing.held.TooMuchHeld: the owner's recordings take more room than they may.
    """
    model = acoustic_models.get(owner, chosen.customization_id)
    places = chosen_audio.held_out(model) if chosen.held_out else None
    cutter = _Cutter(EvaluationKey(owner, evaluation_id), base_version, places)
    for row in _bounded(chosen_audio.resources(owner, chosen)):
        if not cutter.resource(row):
            break
    if not cutter.found:
        raise EvaluationRefused(cutter.findings[0].message if cutter.findings else _NO_SPEECH)
    return UtteranceListing(tuple(cutter.found), tuple(cutter.findings[: limits.FINDINGS]))


def _bounded(rows: Sequence[AudioResource]) -> Iterator[AudioResource]:
    """Yield as many resources as are looked at; of very many not the first ones, but always the same."""
    size_bytes, duration_s = 0, 0.0
    if (
        sum(int(row.size_bytes) for row in rows) > _MOST_RESOURCES_BYTES
        or sum(float(row.duration_s) for row in rows) > _MOST_DECODED_S
    ):
        rows = sorted(rows, key=lambda row: hashlib.sha256(row.audio_id.encode()).digest())
    for row in rows:
        size_bytes += int(row.size_bytes)
        duration_s += float(row.duration_s)
        yield row
        if size_bytes > _MOST_RESOURCES_BYTES or duration_s > _MOST_DECODED_S:
            return


class _Cutter:
    """Goes through recordings until there is enough."""

    def __init__(
        self,
        key: EvaluationKey,
        base_version: str,
        places: Mapping[tuple[str, str | None], Sequence[Place]] | None,
    ) -> None:
        self.found: list[ListedUtterance] = []
        self.findings: list[TranscriptFinding] = []
        self._key = key
        self._rate_hz = catalogue.base_version(base_version).rate_hz
        self._least_rate_hz = catalogue.base_model_of_version(base_version).least_rate_hz
        self._places = places
        self._cut_s = 0.0

    def resource(self, row: AudioResource) -> bool:
        """Take the sentences of an audio resource; False: there is enough."""
        with scratch.folder() as folder:
            path = Path(folder, "audio")
            try:
                objects.download(audio_resources.key_of(row).key, path)
                return self._archive(row, path) if row.kind == "archive" else self._plain(row, path)
            except objects.ObjectNotFound:
                self.findings.append(TranscriptFinding(row.audio_name, "It was removed meanwhile."))
            except (ArchiveError, ContentTypeError) as error:
                self.findings.append(TranscriptFinding(row.audio_name, str(error)))
        return True

    def _archive(self, row: AudioResource, path: Path) -> bool:
        contained = content_types.of_members(row.contained_content_type)
        for member in archive_members.members(path):
            if member.file is None or not self._wanted(row.audio_name, member.name):
                continue
            if documents.is_document_file(member.name, member.file):
                continue
            one = path.with_name("member")
            _write(one, member.file)
            if not self._recording(row, member.name, one, contained):
                return False
        return True

    def _plain(self, row: AudioResource, path: Path) -> bool:
        said = None if row.content_type is None else content_types.parse(row.content_type)
        return not self._wanted(row.audio_name, None) or self._recording(row, None, path, said)

    def _wanted(self, audio_name: str, member: str | None) -> bool:
        return self._places is None or (audio_name, member) in self._places

    def _recording(
        self, row: AudioResource, member: str | None, path: Path, content_type: ContentType | None
    ) -> bool:
        try:
            return self._cut(row, member, path, content_type)
        except AudioError as error:
            self.findings.append(TranscriptFinding(member or row.audio_name, str(error)))
            return True

    def _cut(
        self, row: AudioResource, member: str | None, path: Path, content_type: ContentType | None
    ) -> bool:
        with recordings.decoded(
            path,
            content_type,
            self._rate_hz,
            least_rate_hz=self._least_rate_hz,
            owner=row.owner,
            heard=lambda seconds: usage.add(row.owner, seconds),
        ) as recording:
            for start, end in self._spans(recording, row.audio_name, member):
                duration_s = (end - start) / self._rate_hz
                if self._cut_s + duration_s > limits.COMPARED_S or len(self.found) == limits.UTTERANCES:
                    self.findings.append(
                        TranscriptFinding(
                            None, "There was more audio than is compared; the rest was left out."
                        )
                    )
                    return False
                number = len(self.found)
                clip = wav(recording.pcm[start:end], self._rate_hz)
                objects.put(self._key.audio_key(number), clip, "audio/wav")
                self._cut_s += duration_s
                self.found.append(
                    ListedUtterance(
                        number,
                        row.audio_name,
                        duration_s,
                        start / self._rate_hz,
                        end / self._rate_hz,
                        "audio/wav",
                        member=member,
                    )
                )
        return True

    def _spans(
        self, recording: DecodedRecording, audio_name: str, member: str | None
    ) -> Iterator[tuple[int, int]]:
        """Yield the samples from and to which a sentence goes."""
        if self._places is None:
            for span in utterances.find(recording, Cutting()):
                yield span.start, span.end
            return
        for start_s, end_s in sorted(self._places[audio_name, member]):
            start, end = round(start_s * self._rate_hz), round(end_s * self._rate_hz)
            if start < end <= len(recording.pcm) + self._rate_hz // 10:
                yield start, end


def _write(path: Path, file: BinaryIO) -> None:
    with path.open("wb") as target:
        while piece := file.read(1 << 20):
            target.write(piece)
