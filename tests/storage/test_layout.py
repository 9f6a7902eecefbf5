"""S3 keys: what is made is read again, and nothing else is."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.storage import layout
from chalicelib.storage.layout import AudioKey, RunKey

IDS = st.uuids().map(str)
NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=128)
OWNER, MODEL, UPLOAD = (str(uuid.UUID(int=number)) for number in (1, 2, 3))


@given(IDS, IDS, NAMES, IDS)
def test_audio_keys_are_read_again(owner: str, model: str, name: str, upload: str) -> None:
    key = AudioKey(owner, model, layout.resource_id(name), upload)
    assert AudioKey.parse(key.key) == key
    assert key.key.startswith("audio/")
    # What the analysis writes wakes no analysis.
    assert not key.listing_key.startswith("audio/")


@given(NAMES, NAMES)
def test_audio_ids_are_safe_and_tell_names_apart(one: str, other: str) -> None:
    made = layout.resource_id(one)
    assert len(made) == 32
    assert set(made) <= set("0123456789abcdef")
    assert (made == layout.resource_id(other)) == (one == other)


@given(IDS, IDS, st.integers(0, 10**9))
def test_runs_are_read_from_every_key_of_theirs(owner: str, model: str, number: int) -> None:
    run = RunKey(owner, model, number)
    for key in (
        run.audio_manifest_key,
        run.progress_key,
        f"{run.plan_prefix}plan.json",
        f"{run.output_prefix}job/output/model.tar.gz",
        f"{run.checkpoints_prefix}round-1/state.npz",
    ):
        assert RunKey.parse(key) == run
        assert layout.run_number(key) == number
    for key in (layout.adapted_model_key(owner, model, number), layout.report_key(owner, model, number)):
        assert layout.run_number(key) == number


def test_progress_lies_where_its_events_come_from() -> None:
    run = RunKey(OWNER, MODEL, 3)
    assert run.progress_key == f"{run.checkpoints_prefix}progress.json"
    assert run.progress_key.startswith(layout.TRAINING_PREFIX)
    assert run.progress_key.endswith(layout.PROGRESS_SUFFIX)
    assert run.prefix == f"training/{OWNER}/{MODEL}/000003/"


def test_everything_of_a_model_lies_below_its_prefixes() -> None:
    audio = AudioKey(OWNER, MODEL, layout.resource_id("a"), UPLOAD)
    run = RunKey(OWNER, MODEL, 1)
    everything = [
        audio.key,
        audio.listing_key,
        run.audio_manifest_key,
        run.progress_key,
        layout.adapted_model_key(OWNER, MODEL, 1),
        layout.report_key(OWNER, MODEL, 1),
    ]
    prefixes = layout.prefixes_of_model(OWNER, MODEL)
    assert all(any(key.startswith(prefix) for prefix in prefixes) for key in everything)
    # Another model's id may begin alike: the prefix ends with a slash.
    assert all(prefix.endswith(f"/{MODEL}/") for prefix in prefixes)


@given(st.text(max_size=120))
def test_foreign_keys_are_refused(key: str) -> None:
    for parse in (AudioKey.parse, RunKey.parse, layout.run_number):
        with pytest.raises(ValueError, match="not the key of"):
            parse(key)


@pytest.mark.parametrize(
    "key",
    [
        "",
        "audio/",
        f"audio/{OWNER}/{MODEL}/a",
        f"audio/{OWNER}/{MODEL}/a/b/c",
        f"audio/{OWNER}//a/b",
        f"listings/{OWNER}/{MODEL}/a/b",
    ],
)
def test_keys_that_nearly_are_of_audio_are_refused(key: str) -> None:
    with pytest.raises(ValueError, match="not the key of an upload below audio"):
        AudioKey.parse(key)


@pytest.mark.parametrize(
    "key",
    [
        f"training/{OWNER}/{MODEL}/000001",
        f"training/{OWNER}/{MODEL}/one/plan.json",
        f"training/{OWNER}/{MODEL}/²/plan.json",
        f"models/{OWNER}/{MODEL}/000001/model.tar.gz",
    ],
)
def test_keys_that_nearly_are_of_runs_are_refused(key: str) -> None:
    with pytest.raises(ValueError, match="not the key of a training run"):
        RunKey.parse(key)
