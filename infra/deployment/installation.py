"""One deployment, from an account as it is found to a service that answers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.storage import internal_secret
from infra import package
from infra.deployment import artefacts, chosen_images, images, preflight, removal, smoke, stack
from infra.deployment.target import DeploymentRefused, DeploymentTarget

MACHINES = ("ml.c5.2xlarge", "ml.g5.xlarge")
"""Those that most trainings get."""
_TRAINING_LOGS = "/aws/sagemaker/TrainingJobs"
_LOGS_KEPT_DAYS = 30
RECORDS = package.ROOT / "build"


@dataclass(frozen=True)
class WantedInstallation:
    """What an operator has asked for."""

    layer: Path
    architecture: str = "x86_64"
    parameters: Mapping[str, str] = field(default_factory=dict)
    """Of the template; they go before what was found out, and before those of the last deployment."""
    trial: bool = True
    """Whether to try the service once it is there."""


@dataclass(frozen=True)
class Io:
    """How to talk with the operator."""

    say: Callable[[str], None]
    agreed: Callable[[], bool]
    """Asks whether to go on, after the plan was told."""


def deploy(target: DeploymentTarget, wanted: WantedInstallation, io: Io) -> bool:
    """Deploy the service, or bring it to the newest state; False: the operator did not want it.

    Raises:
        DeploymentRefused: something is in the way; the text says what to do.
    """
    if not wanted.layer.is_file():
        raise DeploymentRefused(f"There is no layer at {wanted.layer}. Build it: python -m infra.layer")
    artefacts.check_architecture(wanted.layer, wanted.architecture)
    io.say(f"Looking at account {target.account}, region {target.region} ...")
    account = preflight.look(target, MACHINES)
    for warning in account.warnings:
        io.say(f"  note: {warning}")
    chosen = {**account.parameters, **_kept(target), **wanted.parameters, "Name": target.name}
    chosen["Architecture"] = wanted.architecture
    if bool(chosen.get("DomainName")) != bool(chosen.get("DomainCertificate")):
        raise DeploymentRefused(
            "DomainName and DomainCertificate belong together: name the domain, and the ARN of its "
            f"certificate in ACM in {target.region}."
        )
    chosen |= _images(target, chosen, io)
    io.say("Packaging ...")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        template: dict[str, Any] = json.loads(package.package(folder).read_text())
        bucket = artefacts.ensure_bucket(target, target.artefacts_bucket)
        code = artefacts.upload(target, folder / package.CODE_NAME)
        chosen["EngineLayer"] = artefacts.publish_layer(target, wanted.layer, wanted.architecture)
        complete = artefacts.with_names(artefacts.with_code(template, bucket, code), target)
        url = artefacts.upload_template(target, folder, complete)
        agreed = False
        if not stack.make_ready(target, io.say):
            data_template, data = artefacts.of_data(complete, set(removal.data(target)))
            if data:
                io.say(f"It takes up what is there: {_named(data)}.")
                if not io.agreed():
                    io.say("Nothing was changed.")
                    return False
                agreed = True
                stack.take_up(target, artefacts.upload_template(target, folder, data_template), data, io.say)
    internal_secret.make(target.secret_name, target.client("ssm"), chosen.get("KeyArn"))
    declared = template["Parameters"]
    planned = stack.plan(target, url, {key: value for key, value in chosen.items() if key in declared})
    if planned is None:
        io.say(f"{target.name} is up to date.")
    else:
        io.say(f"This is what happens to the stack {target.name}:")
        for sentence in planned.sentences:
            io.say(f"  {sentence}")
        if not (agreed or io.agreed()):
            stack.forget(target, planned)
            io.say("Nothing was changed.")
            return False
        stack.execute(target, planned, io.say)
    _limit_training_logs(target)
    _hand_over(target, wanted, io)
    return True


def _images(target: DeploymentTarget, chosen: Mapping[str, str], io: Io) -> dict[str, str]:
    """Check the training images that were chosen, then make those that were not; return their parameters."""
    ours = [image for image in images.IMAGES if images.is_ours(target, chosen.get(image.parameter))]
    for image in images.IMAGES:
        if image not in ours:
            chosen_images.check(target, image, chosen[image.parameter], io.say)
    made = {image.parameter: images.ensure(target, image, io.say) for image in ours}
    return made | ({"TrainingRepository": images.repository(target)} if ours else {})


def _named(data: list[dict[str, Any]]) -> str:
    return ", ".join(name for one in data for name in one["ResourceIdentifier"].values())


def url_of(target: DeploymentTarget) -> str:
    """Return where the service is.

    Raises:
        DeploymentRefused: it is not deployed.
    """
    found = stack.outputs(target)
    if "EndpointURL" not in found:
        raise DeploymentRefused(
            f"{target.name} is not deployed in {target.region}. Deploy it: make deploy STAGE={target.stage}"
        )
    endpoint = os.environ.get("AWS_ENDPOINT_URL")
    if endpoint:  # an account that is emulated has the API below its own address
        return f"{endpoint}/restapis/{found['RestAPIId']}/api/_user_request_"
    return found["EndpointURL"]


def _kept(target: DeploymentTarget) -> dict[str, str]:
    """Return what the operator has chosen in earlier deployments."""
    return {key: value for key, value in stack.parameters(target).items() if key != "AccountConcurrency"}


def _hand_over(target: DeploymentTarget, wanted: WantedInstallation, io: Io) -> None:
    """Write down where the service is, make the first key, and try it."""
    url = url_of(target)
    RECORDS.mkdir(exist_ok=True)
    record = RECORDS / f"{target.name}.json"
    record.write_text(json.dumps({"url": url, **stack.outputs(target)}, indent=2) + "\n")
    io.say(f"The service is at {url}; more about it is in {record}.")
    if "DomainTarget" in (found := stack.outputs(target)):
        name = stack.parameters(target)["DomainName"]
        io.say(
            f"Let {name} be an alias (CNAME) of {found['DomainTarget']}; then it is at https://{name}, too."
        )
    key = os.environ.get("ATTUNE_KEY")
    if not _keys(target, "list"):
        key = _keys(target, "make", "--administrator", "--label", "first").split()[1]
        io.say(f"Its first API key, which is shown this once: {key}")
    if wanted.trial and key is not None:
        io.say("Trying it ...")
        smoke.run(url, key, io.say)
    else:
        io.say(f"Try it with a key of yours: ATTUNE_KEY=... make smoke STAGE={target.stage}")


def _keys(target: DeploymentTarget, *arguments: str) -> str:
    """Return what the command for keys says, about those of this installation."""
    command = [sys.executable, "-m", "infra.keys", *arguments]
    environment = {
        **os.environ,
        "ATTUNE_TABLE_PREFIX": f"{target.name}-",
        "AWS_DEFAULT_REGION": target.region,
    }
    done = subprocess.run(
        command, cwd=package.ROOT, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        reason = done.stderr.strip().splitlines()[-1:] or ["no reason given"]
        raise DeploymentRefused(
            f"{target.name} is deployed, but its keys cannot be read or made: {reason[0]}"
        )
    return done.stdout


def _limit_training_logs(target: DeploymentTarget) -> None:
    """Let the logs of training jobs, which SageMaker makes, end; what somebody has chosen stays."""
    logs = target.client("logs")
    try:
        groups = logs.describe_log_groups(logGroupNamePrefix=_TRAINING_LOGS)["logGroups"]
        group = next((one for one in groups if one["logGroupName"] == _TRAINING_LOGS), None)
        if group is None:
            logs.create_log_group(logGroupName=_TRAINING_LOGS)
        if group is None or "retentionInDays" not in group:
            logs.put_retention_policy(logGroupName=_TRAINING_LOGS, retentionInDays=_LOGS_KEPT_DAYS)
    except (ClientError, BotoCoreError):
        return  # they cost a little more
