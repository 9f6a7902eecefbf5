from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from chalicelib.storage import spool
from tests.api.calling import Instance, assert_error, basic, send
from tests.recognition_function import RESULTS, Function

WAV = b"RIFF\x24\x10\x00\x00WAVEfmt " + bytes(200)
MODEL = "model=en-US_NarrowbandModel&base_model_version=en-US_NarrowbandModel.v2019-06-24"
RECOGNITION = {"work": "recognition", "engine": "sphinx", "customization": "none"}


def today() -> date:
    return datetime.now(UTC).date()


def test_what_was_recognised_is_shown_to_its_owner_alone(instance: Instance, function: Function) -> None:
    function.answer = {"results": RESULTS, "audio_s": 12.25}
    for _ in range(2):
        answer = instance("POST", f"/recognize?{MODEL}", body=WAV, headers={"Content-Type": "audio/wav"})
        assert answer.status == 200
    function.answer = {"error": {"code": 400, "message": "no speech"}, "audio_s": 99.0}
    refused = instance("POST", f"/recognize?{MODEL}", body=WAV, headers={"Content-Type": "audio/wav"})
    assert refused.status == 400
    shown = instance("GET", "/usage").json
    assert (shown["first_day"], shown["last_day"]) == (str(today() - timedelta(days=29)), str(today()))
    (entry,) = shown["usage"]
    assert entry == {"day": entry["day"], **RECOGNITION, "audio_seconds": 24.5, "count": 2}
    assert today() - date.fromisoformat(entry["day"]) <= timedelta(days=1)
    assert Instance()("GET", "/usage").json["usage"] == []


def test_what_is_spoken_over_websocket_counts(instance: Instance) -> None:
    for heard_s in (0, 20, 10):
        header = spool.write_header(spool.Spooled(spool.CONTINUED, heard_s))
        headers = {"X-Attune-Body": header, "Authorization": basic(instance.key)}
        assert send("GET", f"/v1/recognize?{MODEL}", headers=headers).status == 200
    (entry,) = instance("GET", "/usage").json["usage"]
    assert entry == {"day": entry["day"], **RECOGNITION, "audio_seconds": 30.0, "count": 2}


def test_days_can_be_chosen(instance: Instance) -> None:
    shown = instance("GET", "/usage?first_day=2026-01-01&last_day=2026-01-31").json
    assert shown == {"first_day": "2026-01-01", "last_day": "2026-01-31", "usage": []}
    shown = instance("GET", "/usage?last_day=0001-01-02&other=1").json
    assert shown["first_day"] == "0001-01-01"
    assert shown["warnings"] == "Unexpected query parameter(s) ['other'] detected"


@pytest.mark.parametrize(
    ("query", "said"),
    [
        (
            "first_day=yesterday",
            "Invalid value 'yesterday' for parameter 'first_day': it must be a day, such as 2026-01-31.",
        ),
        (
            "last_day=2026-02-30",
            "Invalid value '2026-02-30' for parameter 'last_day': it must be a day, such as 2026-01-31.",
        ),
        (
            "first_day=2026-01-02&last_day=2026-01-01",
            "'first_day' is after 'last_day': 2026-01-02 after 2026-01-01.",
        ),
        (
            "first_day=2024-01-01&last_day=2026-01-01",
            "From 'first_day' to 'last_day' there may be 400 days: so many are kept.",
        ),
    ],
)
def test_days_that_make_no_sense_are_refused(instance: Instance, query: str, said: str) -> None:
    assert_error(instance("GET", f"/usage?{query}"), 400, said)
