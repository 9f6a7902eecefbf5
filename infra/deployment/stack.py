"""The stack: brought to a template by a change set that is shown first, and watched while it comes up."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from infra.deployment import wording
from infra.deployment.target import DeploymentRefused, DeploymentTarget

CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
_POLL_S = 2.0
_NOTHING_TO_DO = ("didn't contain changes", "No updates are to be performed")
_NEVER_CAME_UP = {
    "ROLLBACK_COMPLETE",
    "REVIEW_IN_PROGRESS",
    "CREATE_FAILED",
    "ROLLBACK_FAILED",
    "DELETE_FAILED",
}
"""States of a stack that nothing but its removal leads out of. What it kept is taken up again."""
_STUCK = {"UPDATE_ROLLBACK_FAILED"}


class DeploymentFailed(DeploymentRefused):
    """The stack did not come up; it is, or was, what it was before."""


@dataclass(frozen=True)
class ChangeSet:
    """A change set that waits to be executed."""

    identity: str
    """Its ARN."""
    sentences: list[str]


def status(target: DeploymentTarget) -> str | None:
    """Return the stack's state; None: there is none."""
    described = _described(target)
    return None if described is None else str(described["StackStatus"])


def outputs(target: DeploymentTarget) -> dict[str, str]:
    """Return what the stack says of itself."""
    described = _described(target) or {}
    return {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", ())}


def parameters(target: DeploymentTarget) -> dict[str, str]:
    """Return what the stack was last deployed with; nothing if there is none."""
    described = _described(target) or {}
    return {entry["ParameterKey"]: entry["ParameterValue"] for entry in described.get("Parameters", ())}


def make_ready(target: DeploymentTarget, say: Callable[[str], None]) -> bool:
    """See to it that a change of the stack can begin; tell whether there is a stack.

    Raises:
        DeploymentRefused: it is busy or stuck.
        DeploymentFailed: what never came up could not be removed.
    """
    found = status(target)
    if found is not None and found in _NEVER_CAME_UP:
        say(f"The stack {target.name} never came up ({found}); it is removed first. Data stay.")
        remove(target, say)
        return False
    if found in _STUCK:
        raise DeploymentRefused(
            f"The stack {target.name} is in {found}. Look at its events, then continue the rollback: "
            f"aws cloudformation continue-update-rollback --stack-name {target.name}"
        )
    if found is not None and found.endswith("_IN_PROGRESS"):
        raise DeploymentRefused(
            f"The stack {target.name} is being changed already ({found}). Wait until that is over."
        )
    return found is not None


def plan(target: DeploymentTarget, template_url: str, chosen: Mapping[str, str]) -> ChangeSet | None:
    """Find out what a template would change; None: nothing.

    Raises:
        DeploymentRefused: CloudFormation does not take the template.
    """
    found = status(target)
    return _planned(
        target,
        ChangeSetType="CREATE" if found is None else "UPDATE",
        TemplateURL=template_url,
        Capabilities=CAPABILITIES,
        Parameters=[{"ParameterKey": key, "ParameterValue": chosen[key]} for key in sorted(chosen)],
    )


def take_up(
    target: DeploymentTarget, template_url: str, data: list[dict[str, Any]], say: Callable[[str], None]
) -> None:
    """Make a stack of tables and a bucket that are there, and of nothing else.

    Args:
        target: which has no stack.
        template_url: of a template that has these resources alone.
        data: the resources, as CloudFormation wants to be told of what it imports.
        say: is told what happens.

    Raises:
        DeploymentRefused: CloudFormation does not take them.
        DeploymentFailed: it could not take them.
    """
    planned = _planned(target, ChangeSetType="IMPORT", TemplateURL=template_url, ResourcesToImport=data)
    if planned is not None:
        execute(target, planned, say)


def _planned(target: DeploymentTarget, **asked: Any) -> ChangeSet | None:
    client = target.client("cloudformation")
    name = f"deployment-{uuid.uuid4().hex}"
    made = client.create_change_set(StackName=target.name, ChangeSetName=name, **asked)["Id"]
    changes: list[dict[str, Any]] = []
    while True:
        described = client.describe_change_set(ChangeSetName=made)
        if described["Status"] in ("CREATE_PENDING", "CREATE_IN_PROGRESS"):
            time.sleep(_POLL_S)
            continue
        break
    reason = described.get("StatusReason", "")
    if described["Status"] == "FAILED":
        client.delete_change_set(ChangeSetName=made)
        if any(text in reason for text in _NOTHING_TO_DO):
            return None
        raise DeploymentRefused(f"CloudFormation does not take the template: {reason}")
    while True:
        changes += described["Changes"]
        if "NextToken" not in described:
            break
        described = client.describe_change_set(ChangeSetName=made, NextToken=described["NextToken"])
    return ChangeSet(made, wording.sentences(changes))


def forget(target: DeploymentTarget, planned: ChangeSet) -> None:
    """Remove a change set that nobody wants, and the empty stack that it made if there was none."""
    client = target.client("cloudformation")
    client.delete_change_set(ChangeSetName=planned.identity)
    if status(target) == "REVIEW_IN_PROGRESS":
        client.delete_stack(StackName=target.name)


def execute(target: DeploymentTarget, planned: ChangeSet, say: Callable[[str], None]) -> None:
    """Do what was planned, and tell of each resource as it comes up.

    Raises:
        DeploymentFailed: CloudFormation has gone back; the text says what failed first.
    """
    seen = _events(target)
    target.client("cloudformation").execute_change_set(ChangeSetName=planned.identity)
    ended, failures = _watched(target, seen, say)
    if ended not in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"):
        reason = (_invalid(target) or failures or ["CloudFormation gives no reason"])[0]
        raise DeploymentFailed(f"The stack {target.name} did not come up ({ended}): {reason}")


def remove(target: DeploymentTarget, say: Callable[[str], None]) -> None:
    """Delete the stack; what it retains stays in the account.

    Raises:
        DeploymentFailed: something could not be deleted.
    """
    described = _described(target)
    if described is None:
        return
    seen = _events(target)
    target.client("cloudformation").delete_stack(StackName=target.name)
    ended, failures = _watched(target, seen, say, str(described["StackId"]))
    if ended not in ("DELETE_COMPLETE", None):
        raise DeploymentFailed(f"The stack {target.name} could not be deleted: {'; '.join(failures)}")


def _invalid(target: DeploymentTarget) -> list[str]:
    """Return what CloudFormation found wrong before it began; the stack's own events do not say it."""
    try:
        found = target.client("cloudformation").describe_events(StackName=target.name)["OperationEvents"]
    except (ClientError, BotoCoreError):
        return []
    return [
        f"{event['LogicalResourceId']}: {event['ValidationStatusReason']}"
        for event in found
        if event.get("ValidationStatus") == "FAILED"
    ]


def _described(target: DeploymentTarget, identity: str | None = None) -> dict[str, Any] | None:
    try:
        found = target.client("cloudformation").describe_stacks(StackName=identity or target.name)["Stacks"]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    return dict(found[0]) if (found and found[0]["StackStatus"] != "DELETE_COMPLETE") or identity else None


def _events(target: DeploymentTarget, identity: str | None = None) -> list[dict[str, Any]]:
    """Return the stack's events, oldest first."""
    try:
        pages = target.client("cloudformation").get_paginator("describe_stack_events")
        found = [
            event
            for page in pages.paginate(StackName=identity or target.name)
            for event in page["StackEvents"]
        ]
    except ClientError as error:
        if "does not exist" in str(error):
            return []
        raise
    return found[::-1]


def _watched(
    target: DeploymentTarget,
    before: list[dict[str, Any]],
    say: Callable[[str], None],
    identity: str | None = None,
) -> tuple[str | None, list[str]]:
    """Tell of events until the stack is quiet; return its state and what failed, the first failure first."""
    seen = {event["EventId"] for event in before}
    failures: list[str] = []
    done = 0
    while True:
        described = _described(target, identity)
        for event in _events(target, identity):
            if event["EventId"] in seen:
                continue
            seen.add(event["EventId"])
            state = event["ResourceStatus"]
            done += state.endswith("_COMPLETE")
            if state.endswith("_FAILED"):
                reason = event.get("ResourceStatusReason", "no reason given")
                if "cancelled" not in reason:
                    failures.append(f"{event['LogicalResourceId']}: {reason}")
                say(f"  {event['LogicalResourceId']} failed: {reason}")
            elif state.endswith("_COMPLETE"):
                say(f"  {done:3d}  {event['LogicalResourceId']} {state.lower().replace('_', ' ')}")
        state = None if described is None else str(described["StackStatus"])
        if state is None or not state.endswith("_IN_PROGRESS"):
            return state, failures
        time.sleep(_POLL_S)
