"""Adapters by the name of their engine, or a reason that the model's user can do something about."""

from __future__ import annotations

import pytest

from training_image import adapters
from training_image.adapters import Adapter, adapter
from training_image.failures import JobFailed
from training_image.sphinx.adaptation import adapt


def test_an_engine_has_its_function() -> None:
    assert adapter("sphinx").adapt is adapt


def test_an_engine_that_is_not_in_the_image_is_named_with_those_that_are() -> None:
    with pytest.raises(JobFailed, match=r"engine 'abacus', only of: .*sphinx"):
        adapter("abacus")


def test_a_library_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Adapter("training_image.abacus", ("numpy", "no-such-library-here"))
    monkeypatch.setitem(adapters._ADAPTERS, "abacus", made)
    with pytest.raises(JobFailed, match=r"needs no-such-library-here, .* not installed .*: make training;"):
        adapter("abacus")
