"""What training jobs cost: the seconds that the platform bills, times a price of the instance type."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chalicelib import settings

LIST = "on-demand list prices of SageMaker training in us-east-1, June 2025"
"""Where the prices below are from: aws.amazon.com/sagemaker/pricing."""
OPERATORS = "set by the operator"
LOCAL = "local"
"""The instance type of jobs that run on the machine of the service itself."""
NOBODY_BILLS = "the service's own machine"

_USD_PER_HOUR = {
    "ml.c5.xlarge": 0.204,
    "ml.c5.2xlarge": 0.408,
    "ml.c5.4xlarge": 0.816,
    "ml.c5.9xlarge": 1.836,
    "ml.c5.18xlarge": 3.672,
    "ml.c6i.xlarge": 0.204,
    "ml.c6i.2xlarge": 0.408,
    "ml.c6i.4xlarge": 0.816,
    "ml.c7i.xlarge": 0.2142,
    "ml.c7i.2xlarge": 0.4284,
    "ml.c7i.4xlarge": 0.8568,
    "ml.m5.xlarge": 0.23,
    "ml.m5.2xlarge": 0.461,
    "ml.m5.4xlarge": 0.922,
    "ml.g4dn.xlarge": 0.7364,
    "ml.g4dn.2xlarge": 0.94,
    "ml.g5.xlarge": 1.408,
    "ml.g5.2xlarge": 1.515,
    "ml.g5.4xlarge": 2.03,
    "ml.g5.12xlarge": 7.09,
    "ml.g6.xlarge": 1.1267,
    "ml.g6.2xlarge": 1.222,
    "ml.g6.4xlarge": 1.654,
    "ml.g6.12xlarge": 5.752,
    "ml.g6e.xlarge": 2.6054,
    "ml.g6e.2xlarge": 2.8026,
    "ml.g6e.4xlarge": 3.7553,
    "ml.g6e.12xlarge": 13.1158,
}


@dataclass(frozen=True)
class Price:
    """What an hour of an instance costs."""

    usd_per_hour: float
    source: str


@dataclass(frozen=True)
class Cost:
    """What a training job cost, without storage and requests."""

    instance_type: str
    instance_count: int
    billable_s: int
    """Wall-clock seconds that the platform bills of each instance; on spot fewer than it ran."""
    price: Price | None
    """None: nobody knows that of this instance type."""

    @property
    def usd(self) -> float | None:
        """Billable seconds of all instances times the price; None where there is no price."""
        if self.price is None:
            return None
        return self.billable_s * self.instance_count * self.price.usd_per_hour / 3600

    def to_json(self) -> dict[str, Any]:
        """Return what the report shows."""
        return {
            "instance_type": self.instance_type,
            "instance_count": self.instance_count,
            "billable_s": self.billable_s,
            "usd_per_hour": None if self.price is None else self.price.usd_per_hour,
            "usd": None if self.usd is None else round(self.usd, 4),
            "price_source": None if self.price is None else self.price.source,
        }


def price_of(instance_type: str) -> Price | None:
    """Return the price of an hour: the operator's (ATTUNE_TRAINING_PRICES), else that of the list.

    Raises:
        settings.SettingsError: the operator's prices are malformed.
    """
    own = settings.training_prices().get(instance_type)
    if own is not None:
        return Price(own, OPERATORS)
    if instance_type == LOCAL:
        return Price(0.0, NOBODY_BILLS)
    listed = _USD_PER_HOUR.get(instance_type)
    return None if listed is None else Price(listed, LIST)
