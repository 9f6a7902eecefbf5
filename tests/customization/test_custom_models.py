from __future__ import annotations

import pytest

from chalicelib.customization import acoustic_models, custom_models
from chalicelib.storage.conditional import Change
from chalicelib.storage.conditional import write as write_once
from tests.custom_models import OWNER, new


def test_a_creation_whose_first_answer_was_lost_succeeds(
    account: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(*changes: Change) -> None:
        write_once(*changes)
        write_once(*changes)  # as boto3 does when the connection breaks before the answer

    monkeypatch.setattr(custom_models, "write", write)
    model = new()
    assert [one.customization_id for one in acoustic_models.models(OWNER)] == [model.customization_id]
