"""The requests that the service sends for each kind of run, and what SageMaker's SDK makes of the same.

`python -m tests.infra.training.contract` has the SDK of `make sagemaker` create these jobs at the emulation, and
records what came there in `contract.json`, beside the version of the SDK. The tests compare without the SDK; with
it they also see that the record still holds.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any
from unittest import mock

from chalicelib import settings
from chalicelib.storage.tables import AcousticModel, AudioResource
from chalicelib.training import launch
from infra.local.sagemaker.training_jobs import TrainingJobs
from tests.infra.training.operator import CUSTOMIZATION, OWNER, PYTHON, command, emulation

RECORD = Path(__file__).with_name("contract.json")
_SETTINGS = {
    "ATTUNE_BUCKET": "attune-bucket",
    "ATTUNE_INTERNAL_SECRET": "s" * 32,
    "ATTUNE_TRAINING_IMAGE": "111111111111.dkr.ecr.us-east-1.amazonaws.com/attune-training:1",
    "ATTUNE_WHISPER_TRAINING_IMAGE": "111111111111.dkr.ecr.us-east-1.amazonaws.com/attune-training:whisper-1",
    "ATTUNE_TRAINING_ROLE_ARN": "arn:aws:iam::111111111111:role/attune-training",
}
_CASES: dict[str, tuple[dict[str, str], dict[str, Any]]] = {
    "light engine, on spot, with a helper": (
        {},
        {"versions": ["en-US_NarrowbandModel.v2019-06-24"], "run_helper": CUSTOMIZATION},
    ),
    "network, on demand": (
        {"ATTUNE_TRAINING_USE_SPOT": "false"},
        {"versions": ["en-US_BroadbandModel.v2026-11-30"]},
    ),
}
CASES = tuple(_CASES)


def request(case: str) -> dict[str, Any]:
    """Return the request that the service sends in a case."""
    variables, fields = _CASES[case]
    others = {name: value for name, value in os.environ.items() if not name.startswith("ATTUNE_")}
    with mock.patch.dict(os.environ, {**others, **_SETTINGS, **variables}, clear=True):
        settings.current.cache_clear()
        try:
            model = AcousticModel(owner=OWNER, customization_id=CUSTOMIZATION, run=1, **fields)
            audio = AudioResource(duration_s=840.0, size_bytes=26_880_000)
            return json.loads(json.dumps(launch.request(model, [audio])))  # type: ignore[no-any-return]
        finally:
            settings.current.cache_clear()


def created_by_sdk(asked: dict[str, Any], folder: Path) -> tuple[str, dict[str, Any]]:
    """Have the SDK create a job; return its version and the request that came to the platform.

    Raises:
        RuntimeError: it could not; the text is what it said.
    """
    with emulation(TrainingJobs(folder)) as (recorder, url):
        done = command(url, "-m", "tests.infra.training.create", given=json.dumps(asked))
    sent = [json.loads(body) for name, body in recorder.sent if name == "CreateTrainingJob"]
    if done.returncode or len(sent) != 1:
        raise RuntimeError(done.stderr)
    return done.stdout.strip(), sent[0]


def main() -> int:
    """Record anew."""
    if not PYTHON.exists():
        print(f"There is no {PYTHON}: make sagemaker installs it.", file=sys.stderr)
        return 2
    record: dict[str, Any] = {"sagemaker": "", "requests": {}}
    for case in CASES:
        asked = request(case)
        with tempfile.TemporaryDirectory() as folder:
            record["sagemaker"], sent = created_by_sdk(asked, Path(folder))
        record["requests"][case] = {"service": asked, "sdk": sent}
    RECORD.write_text(json.dumps(record, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
