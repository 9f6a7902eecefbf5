"""The environment of the service's own processes: its own endpoints and credentials, nobody's account."""

from __future__ import annotations

import os
import secrets

from chalicelib.engines import availability
from infra.local.events import ACCOUNT, REGION
from infra.local.home import Home
from infra.local.processes import child
from infra.resources import Resources

_LOOPBACK = "127.0.0.1,localhost"


def own(
    home: Home, resources: Resources, store_url: str, sagemaker_url: str, lambda_url: str
) -> dict[str, str]:
    """Return all variables of the service's processes: the caller's, without AWS's, and the service's."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    no_proxy = ",".join(filter(None, (os.environ.get("NO_PROXY"), _LOOPBACK)))
    return {
        **inherited,
        child.MARK: str(home.path.resolve()),
        "NO_PROXY": no_proxy,
        "no_proxy": no_proxy,
        "PYTHONUNBUFFERED": "1",
        # Not the machine's own: it holds what customers have sent, and is emptied after a kill.
        "TMPDIR": str(home.temporary),
        "AWS_ENDPOINT_URL": store_url,
        "AWS_ENDPOINT_URL_SAGEMAKER": sagemaker_url,
        "AWS_ENDPOINT_URL_LAMBDA": lambda_url,
        "AWS_ACCESS_KEY_ID": home.secret("store-access-key", lambda: f"LOCAL{secrets.token_hex(12).upper()}"),
        "AWS_SECRET_ACCESS_KEY": "unused-on-one-machine",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        # Bytes do not go bad between two processes of one machine.
        "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required",
        "AWS_RESPONSE_CHECKSUM_VALIDATION": "when_required",
        "ATTUNE_BUCKET": resources.buckets[0].name,
        "ATTUNE_INTERNAL_SECRET": home.secret("internal-secret"),
        "ATTUNE_TRAINING_IMAGE": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/attune-training:local",
        "ATTUNE_TRAINING_ROLE_ARN": f"arn:aws:iam::{ACCOUNT}:role/attune-training",
        # Nobody bills it, whatever is planned for one of its kind in a cloud.
        "ATTUNE_TRAINING_INSTANCE_TYPE": "local",
        "ATTUNE_SERVICE_INSTANCE": "local",
        "ATTUNE_BASES": os.environ.get("ATTUNE_BASES") or str(home.bases.resolve()),
        # Without a wheel of its own an engine is left out, and so is what it serves.
        "ATTUNE_ENGINES": os.environ.get("ATTUNE_ENGINES") or ",".join(availability.installed()),
        "ATTUNE_ADAPTED_ENGINES": os.environ.get("ATTUNE_ADAPTED_ENGINES", ""),
        # A piece has all cores. Between two pieces of a long recording the other jobs have their turn.
        "ATTUNE_PIECES_AT_ONCE": "1",
        # There is one machine: whoever waits for it says so, and owners have their turns.
        "ATTUNE_MAX_TRAININGS_AT_ONCE": os.environ.get("ATTUNE_MAX_TRAININGS_AT_ONCE") or "1",
        "POWERTOOLS_SERVICE_NAME": "attune",
        "POWERTOOLS_METRICS_NAMESPACE": "Attune",
        "POWERTOOLS_METRICS_DISABLED": "true",
    }
