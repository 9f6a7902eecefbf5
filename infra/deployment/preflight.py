"""Looks at the account before anything is done: what it may run, and how much of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from infra.deployment.target import DeploymentRefused, DeploymentTarget

CONCURRENCIES = (10, 100, 1000)
"""What the template's parameter AccountConcurrency may be."""
_MOST_MEMORY_MB = 10_240
_MEMORY_OF_NEW_ACCOUNTS_MB = 3_008
_LARGE_CONCURRENCY = 1000
"""An account with so many executions has the large functions, too: AWS shows no quota for these."""


@dataclass(frozen=True)
class Account:
    """What was found out about an account."""

    parameters: dict[str, str] = field(default_factory=dict)
    """Parameters of the template that fit it."""
    warnings: tuple[str, ...] = ()
    """Sentences: what will not work until something is done about it."""


def look(target: DeploymentTarget, machines: tuple[str, ...]) -> Account:
    """Find out what the account can run.

    Args:
        target: where it is.
        machines: instance types that trainings are planned on.

    Raises:
        DeploymentRefused: it can run too little.
    """
    concurrency = _concurrency(target)
    memory = _MOST_MEMORY_MB if concurrency >= _LARGE_CONCURRENCY else _MEMORY_OF_NEW_ACCOUNTS_MB
    return Account(
        {"AccountConcurrency": str(concurrency), "LanguageTrainingMemory": str(memory)},
        tuple(_without_machines(target, machines)),
    )


def _concurrency(target: DeploymentTarget) -> int:
    limit = target.client("lambda").get_account_settings()["AccountLimit"]["ConcurrentExecutions"]
    fitting = [size for size in CONCURRENCIES if size <= limit]
    if not fitting:
        raise DeploymentRefused(
            f"Lambda lets this account run {limit} functions at once in {target.region}; the service needs "
            f"{CONCURRENCIES[0]} or more. Ask for more: Service Quotas, AWS Lambda, Concurrent executions."
        )
    return max(fitting)


def _without_machines(target: DeploymentTarget, machines: tuple[str, ...]) -> list[str]:
    wanted = {f"{machine} for {kind}training job usage" for machine in machines for kind in ("", "spot ")}
    try:
        pages = target.client("service-quotas").get_paginator("list_service_quotas")
        found: dict[str, float] = {
            quota["QuotaName"]: quota["Value"]
            for page in pages.paginate(ServiceCode="sagemaker")
            for quota in page["Quotas"]
            if quota["QuotaName"] in wanted
        }
    except (ClientError, BotoCoreError) as error:
        reason = _reason(error)
        return [f"The quotas of training machines could not be read ({reason}); trainings may wait."]
    missing = sorted(name for name in wanted if not found.get(name, 1.0))
    return [
        f"The account's quota '{name}' is 0: trainings that need it wait until it is raised "
        "(Service Quotas, Amazon SageMaker)."
        for name in missing
    ]


def _reason(error: Any) -> str:
    return error.response["Error"]["Code"] if isinstance(error, ClientError) else str(error)
