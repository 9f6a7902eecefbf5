"""The rule for machines: engine, weights and minutes of audio in; instances, disk and time limit out."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import botocore.session
import pytest

from chalicelib import settings
from chalicelib.engines import catalogue, staged
from chalicelib.engines.catalogue import BaseVersion
from chalicelib.engines.staged import Catalogue, StagedBase, StagedFile
from chalicelib.storage.tables import AudioResource
from chalicelib.training import machines
from chalicelib.training.cost import price_of
from chalicelib.training.machines import Machines, planned
from training_image import adapters

LIGHT = catalogue.base_version("en-US_BroadbandModel.v2020-01-16")
NETWORK = catalogue.base_version("en-US_BroadbandModel.v2026-11-30")
SIZES = {"small": 484_000_000, "medium": 1_528_000_000, "large": 3_087_000_000}
"""Bytes of weights in float16."""


@pytest.fixture(autouse=True)
def _settings() -> Iterator[None]:
    settings.current.cache_clear()
    yield
    settings.current.cache_clear()


def _audio(minutes: float, *, bytes_per_second: int = 32_000) -> list[AudioResource]:
    seconds = minutes * 60
    return [AudioResource(duration_s=seconds, size_bytes=int(seconds * bytes_per_second))]


def _network(monkeypatch: pytest.MonkeyPatch, size: str) -> BaseVersion:
    weights = StagedFile(SIZES[size], "0" * 64)
    base = StagedBase(size, "whisper", "", "", "", {staged.WEIGHTS: weights}, (), 0, {})
    monkeypatch.setattr(staged, "current", lambda: Catalogue((base,)))
    return dataclasses.replace(NETWORK, name=f"{size}-version", base=size)


@pytest.mark.parametrize(
    ("hours", "expected"),
    [
        (14 / 60, Machines("ml.c5.2xlarge", 1, 31, 4 * 3600)),
        (10, Machines("ml.c5.2xlarge", 1, 34, 4 * 3600)),
        (60, Machines("ml.c5.2xlarge", 1, 51, 61_680)),
        (100, Machines("ml.c5.4xlarge", 1, 65, 51_600)),
        (200, Machines("ml.c5.9xlarge", 1, 100, 46_020)),
    ],
)
def test_the_light_engine_has_processors(hours: float, expected: Machines) -> None:
    assert planned(LIGHT, _audio(hours * 60)) == expected


@pytest.mark.parametrize(
    ("hours", "expected"),
    [
        (14 / 60, Machines("ml.g5.xlarge", 1, 32, 4 * 3600)),
        (200, Machines("ml.g5.xlarge", 1, 101, 37_200)),
    ],
)
def test_the_network_has_a_gpu(hours: float, expected: Machines) -> None:
    assert planned(NETWORK, _audio(hours * 60)) == expected


@pytest.mark.parametrize(
    ("size", "hours", "instance_type", "count"),
    [
        ("small", 0.25, "ml.g5.xlarge", 1),
        ("small", 70, "ml.g5.xlarge", 1),
        ("small", 80, "ml.g6e.xlarge", 1),
        ("medium", 0.25, "ml.g5.xlarge", 1),
        ("medium", 200, "ml.g6e.12xlarge", 1),
        ("large", 0.25, "ml.g6e.xlarge", 1),
        ("large", 200, "ml.g6e.12xlarge", 2),
    ],
)
def test_large_networks_and_much_audio_have_more(
    monkeypatch: pytest.MonkeyPatch, size: str, hours: float, instance_type: str, count: int
) -> None:
    found = planned(_network(monkeypatch, size), _audio(hours * 60))
    assert (found.instance_type, found.instance_count) == (instance_type, count)


def test_audio_that_a_disk_has_no_room_for_has_a_larger_one() -> None:
    # 200 hours in two channels of 24 bits at 48 kHz: 207 GB, beside 46 decoded.
    found = planned(NETWORK, _audio(200 * 60, bytes_per_second=288_000))
    assert (found.instance_type, found.volume_gb) == ("ml.g5.2xlarge", 285)


@pytest.mark.parametrize("base", [LIGHT, NETWORK])
def test_more_audio_never_has_less(base: BaseVersion) -> None:
    found = [planned(base, _audio(10 * 1.3**step)) for step in range(28)]
    prices = [price_of(one.instance_type).usd_per_hour * one.instance_count for one in found]  # type: ignore[union-attr]
    volumes = [one.volume_gb for one in found]
    assert prices == sorted(prices)
    assert volumes == sorted(volumes)
    assert all(machines.LEAST_LIMIT_S <= one.max_runtime_s <= machines.MOST_LIMIT_S for one in found)


@pytest.mark.parametrize("rule", [machines._PROCESSORS, machines._GPUS])
def test_what_is_planned_can_be_had_and_is_cheapest_first(rule: machines._Rule) -> None:
    model = botocore.session.get_session().get_service_model("sagemaker")
    known = set(model.shape_for("TrainingInstanceType").enum)  # type: ignore[attr-defined]
    assert {kind.name for kind in rule.instance_types} <= known
    prices = [price_of(kind.name) for kind in rule.instance_types]
    assert None not in prices
    listed = [price.usd_per_hour for price in prices if price]
    assert listed == sorted(listed)


def test_several_instances_are_planned_only_where_the_work_can_be_shared() -> None:
    for engine, adapter in adapters._ADAPTERS.items():
        assert adapter.several_hosts or machines.most_instances(engine) == 1, engine


def test_the_operators_settings_go_before_the_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTUNE_WHISPER_TRAINING_INSTANCE_TYPE", "ml.g6e.xlarge")
    monkeypatch.setenv("ATTUNE_TRAINING_INSTANCE_COUNT", "2")
    monkeypatch.setenv("ATTUNE_TRAINING_MAX_RUNTIME_S", "999")
    assert planned(NETWORK, _audio(14)) == Machines("ml.g6e.xlarge", 2, 32, 999)
    assert planned(LIGHT, _audio(14)) == Machines("ml.c5.2xlarge", 2, 31, 999)


def test_a_machine_that_nobody_knows_has_all_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTUNE_TRAINING_INSTANCE_TYPE", "ml.x9.large")
    assert planned(NETWORK, _audio(14)) == Machines("ml.x9.large", 1, 32, machines.MOST_LIMIT_S)
