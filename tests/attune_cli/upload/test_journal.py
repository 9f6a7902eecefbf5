"""What a second run knows of the first."""

from __future__ import annotations

import stat
from dataclasses import replace
from pathlib import Path

from attune_cli import configuration
from attune_cli.upload import parcels, recordings
from attune_cli.upload.journal import UploadJournal
from attune_cli.upload.recordings import RecordingFile
from tests.attune_cli.recordings import folder_of_calls


def test_it_is_kept_for_each_model_and_read_again(tmp_path: Path) -> None:
    calls = [
        one
        for one in recordings.found([folder_of_calls(tmp_path / "calls", 2)])
        if isinstance(one, RecordingFile)
    ]
    made = parcels.packed(calls, pack=True)
    journal = UploadJournal("http://host", "model")
    journal.planned(made)
    journal.refused([(calls[1], "it is broken")], "")
    again = UploadJournal("http://host", "model")
    first, second = again.of(calls[0]), again.of(calls[1])
    assert first is not None and first.resource == made[0].name and first.packed and not first.refused
    assert second is not None and second.refused == "it is broken"
    assert first.is_of(calls[0]) and not first.is_of(replace(calls[0], modified_ns=1))
    assert again.files_in(made[0].name) == {str(calls[0].file)}
    assert UploadJournal("http://host", "another").of(calls[0]) is None


def test_one_that_was_spoilt_counts_as_empty(tmp_path: Path) -> None:
    calls = [
        one
        for one in recordings.found([folder_of_calls(tmp_path / "calls", 1)])
        if isinstance(one, RecordingFile)
    ]
    UploadJournal("http://host", "model").planned(parcels.packed(calls, pack=True))
    (file,) = (configuration.folder() / "uploads").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    file.write_text("[")
    assert UploadJournal("http://host", "model").of(calls[0]) is None
