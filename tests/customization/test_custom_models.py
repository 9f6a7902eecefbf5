from __future__ import annotations

import pytest

from chalicelib.customization import acoustic_models, custom_models
from tests.custom_models import OWNER, new
from tests.repeated_writes import write_twice


def test_a_creation_whose_first_answer_was_lost_succeeds(
    account: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(custom_models, "write", write_twice)
    model = new()
    assert [one.customization_id for one in acoustic_models.models(OWNER)] == [model.customization_id]
