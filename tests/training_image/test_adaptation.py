"""What an engine may give back: a model exactly where it says that one beats the base."""

from __future__ import annotations

import pytest

from training_image.adaptation import Adaptation, HeldOut
from training_image.guard import Figures

HEARD = Figures(words=100, words_a_minute=150.0, mean_posterior=0.6, different_words=60)


def _made(decision: str, files: dict[str, bytes]) -> Adaptation:
    return Adaptation(
        decision, "because", files, (), HeldOut(10, 30.0, HEARD, HEARD), used_s=60.0, left_out=()
    )


@pytest.mark.parametrize("decision", ["adapted", "transform", "low-rank-50"])
def test_an_engine_names_its_own_stages(decision: str) -> None:
    assert _made(decision, {"some.npz": b"x"}).decision == decision


def test_a_kept_base_has_no_files() -> None:
    assert _made("base", {}).files == {}


@pytest.mark.parametrize(
    ("decision", "files"),
    [("base", {"some.npz": b"x"}), ("adapted", {}), ("", {"some.npz": b"x"}), ("Not so", {"some.npz": b"x"})],
)
def test_files_and_decision_agree(decision: str, files: dict[str, bytes]) -> None:
    with pytest.raises(ValueError, match=r"the decision is|not the name of a stage"):
        _made(decision, files)
