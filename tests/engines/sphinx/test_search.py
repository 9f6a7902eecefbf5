"""What sets the base versions apart in their search."""

from __future__ import annotations

from chalicelib.engines.catalogue import BASE_MODELS
from chalicelib.engines.sphinx import search


def test_the_two_broadband_versions_differ() -> None:
    older, newer = BASE_MODELS["en-US_BroadbandModel"].version_names[:2]
    assert search.settings_of(older) == search.ORIGINAL
    assert search.settings_of(newer) == search.QUICK
    assert search.ORIGINAL != search.QUICK


def test_every_narrowband_version_searches_quickly() -> None:
    for version in BASE_MODELS["en-US_NarrowbandModel"].version_names:
        assert search.settings_of(version) == search.QUICK
