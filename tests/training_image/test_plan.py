"""Plans: read whole, or refused with the place that is wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training_image.plan import PlanInvalid, parse_plan

CALL = {"audio_name": "call", "file": "a1/u1", "kind": "audio", "content_type": "audio/wav"}
ARCHIVE = {
    "audio_name": "calls",
    "file": "a2/u1",
    "kind": "archive",
    "content_type": "application/zip",
    "contained_content_type": "audio/l16;rate=16000",
}
PLAN: dict[str, Any] = {
    "customization_id": "c1",
    "run": 3,
    "base_version": "en-US_NarrowbandModel.v2019-06-24",
    "engine": "sphinx",
    "recordings": [CALL | {"contained_content_type": None}, ARCHIVE],
}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


def test_a_plan_is_read() -> None:
    plan = parse_plan(json.dumps(PLAN))
    assert (plan.customization_id, plan.run, plan.engine) == ("c1", 3, "sphinx")
    assert plan.language_model is None
    assert parse_plan(json.dumps(PLAN | {"language_model": "l.tar.gz"})).language_model == "l.tar.gz"
    assert plan.base_weights is None
    assert parse_plan(json.dumps(PLAN | {"base_weights": "bases/b/"})).base_weights == "bases/b/"
    assert plan.base_version == "en-US_NarrowbandModel.v2019-06-24"
    first, second = plan.recordings
    assert (first.audio_name, first.file, first.kind) == ("call", "a1/u1", "audio")
    assert first.contained_content_type is None
    assert (second.kind, second.contained_content_type) == ("archive", "audio/l16;rate=16000")


def test_the_fingerprint_follows_the_contents_alone() -> None:
    fingerprint = parse_plan(json.dumps(PLAN)).fingerprint
    assert parse_plan(json.dumps(dict(reversed(PLAN.items())), indent=2)).fingerprint == fingerprint
    assert parse_plan(json.dumps(PLAN | {"run": 4})).fingerprint != fingerprint


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"customization_id": ""}, "customization_id must be a text"),
        ({"run": "1"}, "run must be a whole number"),
        ({"run": True}, "run must be a whole number"),
        ({"base_version": None}, "base_version must be a text"),
        ({"engine": 1}, "engine must be a text"),
        ({"recordings": []}, "recordings must be a list"),
        ({"recordings": {}}, "recordings must be a list"),
        ({"recordings": ["call"]}, r"recordings\[0\] must be an object"),
        ({"recordings": [CALL, CALL]}, "recordings name 'call' twice"),
        ({"recordings": [CALL | {"kind": "video"}]}, r"recordings\[0\].kind must be 'audio' or 'archive'"),
        ({"recordings": [CALL | {"audio_name": 1}]}, r"recordings\[0\].audio_name must be a text"),
        ({"recordings": [CALL | {"file": "/etc/passwd"}]}, r"recordings\[0\].file must be a path inside"),
        ({"recordings": [CALL | {"file": "a/../../b"}]}, r"recordings\[0\].file must be a path inside"),
        ({"recordings": [CALL | {"file": "."}]}, r"recordings\[0\].file must be a path inside"),
        ({"language_model": "../secret"}, "language_model must be a path inside the language channel"),
        ({"language_model": 3}, "language_model must be a text"),
        ({"base_weights": ["bases/b/"]}, "base_weights must be a text"),
        ({"base_weights": ""}, "base_weights must be a text"),
        ({"recordings": [ARCHIVE | {"contained_content_type": 3}]}, r"contained_content_type must be a text"),
    ],
)
def test_what_is_wrong_is_named(change: dict[str, Any], problem: str) -> None:
    with pytest.raises(PlanInvalid, match=problem):
        parse_plan(json.dumps(PLAN | change))


@pytest.mark.parametrize("text", ["", "{", "[]", "1", b"\xff\xfe\x00", "[" * 100_000])
def test_what_is_no_object_is_refused(text: str | bytes) -> None:
    with pytest.raises(PlanInvalid):
        parse_plan(text)


@settings(deadline=None)
@given(changes=st.dictionaries(st.sampled_from(sorted(PLAN)), json_values), entry=json_values)
def test_any_document_is_read_or_refused(changes: dict[str, Any], entry: Any) -> None:
    for document in (PLAN | changes, PLAN | {"recordings": [entry]}, entry):
        try:
            plan = parse_plan(json.dumps(document))
        except PlanInvalid as problem:
            assert len(str(problem)) <= 1024
        else:
            assert plan.recordings
