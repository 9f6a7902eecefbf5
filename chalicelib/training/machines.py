"""Which machines a training gets, and for how long: a rule that an operator's settings override.

What decides is the engine, the size of its base's weights, and how much audio there is. A run gets the
cheapest machine that is large enough and is expected to be done within `PLANNED_S`; where there is none, the
fastest.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib import settings
from chalicelib.engines import staged
from chalicelib.engines.catalogue import BaseVersion
from chalicelib.storage.tables import AudioResource

PLANNED_S = 6 * 3600
"""A run that is expected to take longer gets faster machines, or more of them."""
LEAST_LIMIT_S = 4 * 3600
MOST_LIMIT_S = 24 * 3600
LIMIT_TIMES_EXPECTED = 4
"""An expectation may be wrong by as much, and a machine of a spot fleet shares its host with others."""
START_S = 300
"""To fetch the image and the audio, and to write the model."""

MOST_VOLUME_GB = 16_384
"""SageMaker attaches no larger one."""

_BASE_VOLUME_GB = 30
"""Image, models, and room to work, without the audio."""
_DECODED_BYTES_PER_SAMPLE = 4


@dataclass(frozen=True)
class Machines:
    """What `ResourceConfig` and `StoppingCondition` of a training job ask for."""

    instance_type: str
    instance_count: int
    volume_gb: int
    max_runtime_s: int


@dataclass(frozen=True)
class _InstanceType:
    """A kind of instance, as far as the rule looks at it."""

    name: str
    speed: float | None
    """Times the speed of the first of its list; None: nobody knows."""
    gpu_gb: float = 0.0
    """Memory of each of its GPUs that a program can have."""
    disk_gb: float = math.inf
    """Of its own disk, beyond which no volume can be asked for; infinite where volumes are attached."""


@dataclass(frozen=True)
class _Rule:
    """What an engine's adaptation needs."""

    instance_types: tuple[_InstanceType, ...]
    """Cheapest first, by the list in `cost`."""
    seconds_per_second: float
    """Of work for each second of audio, on the first of them, with the embedded weights."""
    embedded_bytes: int = 0
    """Of the weights that come with the engine. The work grows with the weights; 0: they are all alike."""
    gpu_gb: float = 0.0
    """Memory that training takes on a GPU apart from the weights."""
    gpu_times_weights: float = 0.0
    """Times the weights' size that training takes on a GPU in addition."""
    most_instances: int = 1
    """An adaptation that cannot share its work among hosts refuses more than one."""


_PROCESSORS = _Rule(
    # Measured on two cores: 0.28 s for each second of audio (docs/benchmarks.md). These have 8, 16 and 36.
    instance_types=(
        _InstanceType("ml.c5.2xlarge", 1.0),
        _InstanceType("ml.c5.4xlarge", 2.0),
        _InstanceType("ml.c5.9xlarge", 4.5),
    ),
    seconds_per_second=0.07,
)
_GPUS = _Rule(
    # Speeds from the data sheets: an L40S has about 2.5 times the arithmetic in bfloat16 of an A10G. The
    # larger ones with the same GPU are for audio that the smaller one's disk has no room for.
    instance_types=(
        _InstanceType("ml.g5.xlarge", 1.0, gpu_gb=22, disk_gb=250),
        _InstanceType("ml.g5.2xlarge", 1.0, gpu_gb=22, disk_gb=450),
        _InstanceType("ml.g5.4xlarge", 1.0, gpu_gb=22, disk_gb=600),
        _InstanceType("ml.g6e.xlarge", 2.5, gpu_gb=44, disk_gb=250),
        _InstanceType("ml.g6e.2xlarge", 2.5, gpu_gb=44, disk_gb=450),
        _InstanceType("ml.g6e.4xlarge", 2.5, gpu_gb=44, disk_gb=600),
        _InstanceType("ml.g5.12xlarge", 4.0, gpu_gb=22, disk_gb=3800),
        _InstanceType("ml.g6e.12xlarge", 10.0, gpu_gb=44, disk_gb=3800),
    ),
    # Not measured on an A10G: a careful guess, which `training_s` in the reports can put right.
    seconds_per_second=1 / 80,
    embedded_bytes=75_537_502,
    gpu_gb=4,
    gpu_times_weights=6,
    most_instances=4,
)
_RULES = {"whisper": _GPUS}
"""By the engine's name in the catalogue; the others compute on processors."""


def planned(base: BaseVersion, recordings: Sequence[AudioResource]) -> Machines:
    """Return what a run on a base version and some recordings gets.

    The settings `training_instance_type` and `training_instance_count` of the engine, and
    `training_max_runtime_s`, go before the rule, each for itself.
    """
    chosen = settings.current()
    wanted = chosen.engine(base.engine)
    rule = _RULES.get(base.engine, _PROCESSORS)
    times = _times_embedded(rule, base)
    volume_gb = _volume_gb(base.rate_hz, recordings) + math.ceil(times * rule.embedded_bytes / 1e9)
    work_s = sum(float(recording.duration_s) for recording in recordings) * rule.seconds_per_second * times
    if wanted.training_instance_type is None:
        kind = _cheapest(rule, times, volume_gb, work_s)
    else:
        kind = _named(rule, wanted.training_instance_type)
    count = wanted.training_instance_count or _count(rule, work_s, kind)
    return Machines(
        kind.name,
        count,
        math.floor(min(volume_gb, kind.disk_gb, MOST_VOLUME_GB)),
        chosen.training_max_runtime_s or _limit_s(work_s, kind, count),
    )


def most_instances(engine: str) -> int:
    """Return how many instances the rule may plan for an engine."""
    return _RULES.get(engine, _PROCESSORS).most_instances


def _times_embedded(rule: _Rule, base: BaseVersion) -> float:
    """Return the size of a base's weights, over that of the embedded ones."""
    if not rule.embedded_bytes or base.base is None:
        return 1.0
    added = staged.current().base(base.base)
    return 1.0 if added is None else added.weights.size_bytes / rule.embedded_bytes


def _cheapest(rule: _Rule, times: float, volume_gb: int, work_s: float) -> _InstanceType:
    gpu_gb = rule.gpu_gb + rule.gpu_times_weights * times * rule.embedded_bytes / 1e9
    kinds = rule.instance_types
    large = [kind for kind in kinds if kind.gpu_gb >= gpu_gb and kind.disk_gb >= volume_gb] or kinds[-1:]
    quick = (kind for kind in large if _expected_s(work_s, kind, 1) <= PLANNED_S)
    return next(quick, None) or min(large, key=lambda kind: _expected_s(work_s, kind, 1))


def _named(rule: _Rule, name: str) -> _InstanceType:
    return next((kind for kind in rule.instance_types if kind.name == name), _InstanceType(name, None))


def _count(rule: _Rule, work_s: float, kind: _InstanceType) -> int:
    if kind.speed is None:
        return 1
    return min(max(math.ceil(work_s / kind.speed / (PLANNED_S - START_S)), 1), rule.most_instances)


def _limit_s(work_s: float, kind: _InstanceType, count: int) -> int:
    limit_s = LIMIT_TIMES_EXPECTED * _expected_s(work_s, kind, count)
    return 60 * round(min(max(limit_s, LEAST_LIMIT_S), MOST_LIMIT_S) / 60)


def _expected_s(work_s: float, kind: _InstanceType, count: int) -> float:
    return math.inf if kind.speed is None else START_S + work_s / kind.speed / count


def _volume_gb(rate_hz: int, recordings: Sequence[AudioResource]) -> int:
    uploaded_bytes = sum(int(recording.size_bytes) for recording in recordings)
    decoded_s = sum(float(recording.duration_s) for recording in recordings)
    return _BASE_VOLUME_GB + math.ceil(
        (uploaded_bytes + decoded_s * rate_hz * _DECODED_BYTES_PER_SAMPLE) / 1e9
    )
