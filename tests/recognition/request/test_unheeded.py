"""What is said when a base version cannot do what was asked for."""

from __future__ import annotations

from chalicelib.engines import catalogue
from chalicelib.recognition.request.options import Options
from chalicelib.recognition.request.unheeded import warnings

LIGHT, NETWORK = "en-US_NarrowbandModel.v2019-06-24", "en-US_NarrowbandModel.v2026-11-30"


def test_a_version_that_does_not_write_says_which_one_does() -> None:
    assert warnings(Options(written=True), LIGHT) == (
        f"written has no effect: version {LIGHT} gives spoken words only; "
        f"choose base_model_version={catalogue.KNOWN_MODELS['en-US_NarrowbandModel'].newest_version}, "
        "which writes.",
    )


def test_nothing_is_said_where_it_is_not_asked_for_or_can_be_had() -> None:
    assert warnings(Options(), LIGHT) == ()
    assert warnings(Options(written=True), NETWORK) == ()
