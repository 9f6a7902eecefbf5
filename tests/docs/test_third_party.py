"""The notices name every library that is handed on: packages, and what PyAV's wheel brings along."""

from __future__ import annotations

import re
from pathlib import Path

import av
import pytest

from infra import pins

_PAGE = (pins.ROOT / "THIRD-PARTY.md").read_text()
_NAMED = set(re.findall(r"`([A-Za-z0-9._-]+)`", _PAGE))
_HANDED_ON = [one for one in pins.LISTS if one.name in ("engine", "front-door", "local", "training", "cli")]


@pytest.mark.parametrize("one", _HANDED_ON, ids=lambda one: one.name)
def test_every_package_that_is_handed_on_is_named(one: pins.List) -> None:
    assert {name for name, _ in pins.pinned(one)} - _NAMED == set()


def test_every_library_of_pyavs_wheel_is_named() -> None:
    found = {path.name.partition("-")[0] for path in (Path(av.__file__).parent.parent / "av.libs").iterdir()}
    # Hyphens are part of two names, and of what auditwheel appends to all of them.
    found = {{"libopencore": "libopencore-amrnb"}.get(name, name) for name in found}
    assert found - _NAMED == set()
    assert {"libx264", "libx265"} <= found
