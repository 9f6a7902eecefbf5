"""The ordinary speech that comes with the program."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from training_image.failures import JobFailed
from training_image.speech.ordinary_speech import (
    FOLDER,
    LISTING,
    RATE_HZ,
    Part,
    TranscribedUtterance,
    ordinary_speech,
)

LARGEST_BYTES = 1_500_000


@pytest.fixture(scope="module")
def parts() -> dict[Part, list[TranscribedUtterance]]:
    return {"guard": list(ordinary_speech("guard")), "replay": list(ordinary_speech("replay"))}


def test_there_is_enough_of_it_and_not_too_much(parts: dict[Part, list[TranscribedUtterance]]) -> None:
    assert sum(file.stat().st_size for file in FOLDER.rglob("*")) < LARGEST_BYTES
    for spoken in parts.values():
        assert len(spoken) >= 60
        assert sum(len(one.transcript.split()) for one in spoken) >= 600


def test_every_utterance_can_be_heard(parts: dict[Part, list[TranscribedUtterance]]) -> None:
    for one in [*parts["guard"], *parts["replay"]]:
        assert one.samples.dtype == np.float32
        assert 1.5 < len(one.samples) / RATE_HZ < 6
        assert 0.02 < np.abs(one.samples).max() <= 1
        words_a_second = len(one.transcript.split()) / (len(one.samples) / RATE_HZ)
        assert 1 < words_a_second < 5, one.name


def test_transcripts_are_spoken_words_of_the_written_sentence(
    parts: dict[Part, list[TranscribedUtterance]],
) -> None:
    for one in [*parts["guard"], *parts["replay"]]:
        assert re.fullmatch(r"[a-z']+( [a-z']+)*", one.transcript)
        assert one.transcript == " ".join(re.sub(r"[^a-z' ]", " ", one.written.lower()).split())


def test_what_judges_is_not_what_teaches(parts: dict[Part, list[TranscribedUtterance]]) -> None:
    guard, replay = parts["guard"], parts["replay"]
    assert not {one.transcript for one in guard} & {one.transcript for one in replay}
    assert not {one.voice for one in guard} & {one.voice for one in replay}
    assert len({one.voice for one in guard}) >= 3


def test_every_recording_is_listed() -> None:
    listed = {row.split("\t")[0] for row in (FOLDER / LISTING).read_text().splitlines()[1:]}
    assert listed == {str(file.relative_to(FOLDER)) for file in FOLDER.rglob("*.opus")}


@pytest.mark.parametrize("damage", ["missing", "damaged", "unlisted"])
def test_what_cannot_be_read_is_said(tmp_path: Path, damage: str) -> None:
    folder = tmp_path / "speech"
    shutil.copytree(FOLDER, folder)
    if damage == "missing":
        (folder / "guard" / "07.opus").unlink()
    elif damage == "damaged":
        (folder / "guard" / "07.opus").write_bytes(b"nothing")
    else:
        (folder / LISTING).unlink()
    with pytest.raises(JobFailed, match="ordinary speech that comes with the training program"):
        list(ordinary_speech("guard", folder))
