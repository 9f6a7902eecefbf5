"""The emulation of SageMaker's training jobs, through boto3's own client, with small programs as containers."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import sys
import tarfile
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
from boto3.exceptions import S3UploadFailedError
from botocore.exceptions import ClientError

from infra.local import wire
from infra.local.sagemaker.emulator import SageMakerEmulator
from infra.local.sagemaker.training_events import Announcer
from infra.local.sagemaker.training_files import CheckpointSync
from infra.local.sagemaker.training_jobs import TrainingJob, TrainingJobs
from infra.local.sagemaker.training_runner import Runner, clear_left_over, resume_interrupted
from tests.local.running import RunningStore, running_store

_BUCKET = "training-bucket"
_BEGINNING = """
import json, os, pathlib, signal, sys, time
root = pathlib.Path(os.environ["ATTUNE_TRAINING_ROOT"])
checkpoints = root / "checkpoints"
"""
_GOOD = """
assert not [name for name in os.environ if name.startswith("AWS_")]
config = {p.stem: json.loads(p.read_text()) for p in (root / "input/config").iterdir()}
assert config["hyperparameters"] == {"run": "1"}, config
assert config["resourceconfig"]["hosts"] == ["algo-1"]
assert set(config["inputdataconfig"]) == {"plan", "audio"}
assert (root / "input/data/plan/plan.json").read_text() == "{}"
assert (root / "input/data/audio/a/u1").read_text() == "audio 1"
assert (root / "input/data/audio/b/u2").read_text() == "audio 2"
(checkpoints / "progress.json").write_text('{"progress": 50}')
(root / "model/report.json").write_text("{}")
"""
_ENDLESS = """
state = checkpoints / "state"
steps = int(state.read_text()) if state.exists() else 0
(checkpoints / "began_at").write_text(str(steps))
while not (checkpoints / "enough").exists():
    steps += 1
    (checkpoints.parent / "state").write_text(str(steps))
    os.replace(checkpoints.parent / "state", state)  # a kill between two bytes must not lose the count
    time.sleep(0.05)
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStore]:
    with running_store(tmp_path_factory.mktemp("objects")) as running:
        s3 = running.client("s3")
        s3.create_bucket(Bucket=_BUCKET)
        s3.put_object(Bucket=_BUCKET, Key="run/plan/plan.json", Body=b"{}")
        s3.put_object(Bucket=_BUCKET, Key="audio/a/u1", Body=b"audio 1")
        s3.put_object(Bucket=_BUCKET, Key="audio/b/u2", Body=b"audio 2")
        manifest = [{"prefix": f"s3://{_BUCKET}/audio/"}, "a/u1", "b/u2"]
        s3.put_object(Bucket=_BUCKET, Key="run/audio.manifest", Body=json.dumps(manifest))
        yield running


class _Platform:
    """An emulator on a folder, with a program in place of the container."""

    def __init__(self, store: RunningStore, folder: Path, program: str) -> None:
        script = folder / "program.py"
        folder.mkdir(parents=True, exist_ok=True)
        script.write_text(_BEGINNING + textwrap.dedent(program))
        self.jobs = TrainingJobs(folder / "jobs")
        resume_interrupted(self.jobs)
        clear_left_over(self.jobs, folder / "jobs")
        self.folder = folder / "jobs"
        self.s3 = store.client("s3")
        self.program = [sys.executable, str(script)]
        self.runner = Runner(self.jobs, self.folder, lambda: self.s3, self.program)
        self.events: list[dict[str, Any]] = []
        self.announcer = Announcer(self.jobs, self.events.append)

    @contextmanager
    def running(self) -> Iterator[Any]:
        """Serve, and yield a client."""
        listener = wire.listen()
        serving = wire.server(SageMakerEmulator(self.jobs))
        threads = [
            threading.Thread(target=self.runner.run),
            threading.Thread(target=asyncio.run, args=(serving.serve(sockets=[listener]),)),
        ]
        for thread in threads:
            thread.start()
        client = boto3.client("sagemaker", endpoint_url=f"http://127.0.0.1:{listener.getsockname()[1]}")
        try:
            yield client
        finally:
            client.close()
            serving.should_exit = True
            self.runner.shut_down()
            for thread in threads:
                thread.join()
            listener.close()

    def wait(self, name: str, condition: Callable[[Any], bool]) -> Any:
        until = time.monotonic() + 120
        while time.monotonic() < until:
            job = self.jobs.get(name)
            if job is not None and condition(job):
                return job
            time.sleep(0.02)
        raise AssertionError(f"waited in vain: {self.jobs.get(name)}")


def _request(name: str, **changes: Any) -> dict[str, Any]:
    def channel(which: str, kind: str, key: str) -> dict[str, Any]:
        source = {"S3DataType": kind, "S3Uri": f"s3://{_BUCKET}/{key}"}
        return {"ChannelName": which, "DataSource": {"S3DataSource": source}}

    return {
        "TrainingJobName": name,
        "AlgorithmSpecification": {"TrainingImage": "image", "TrainingInputMode": "File"},
        "RoleArn": "arn:aws:iam::000000000000:role/attune-training",
        "InputDataConfig": [
            channel("plan", "S3Prefix", "run/plan/"),
            channel("audio", "ManifestFile", "run/audio.manifest"),
        ],
        "OutputDataConfig": {"S3OutputPath": f"s3://{_BUCKET}/{name}/output/"},
        "CheckpointConfig": {"S3Uri": f"s3://{_BUCKET}/{name}/checkpoints/"},
        "ResourceConfig": {"InstanceType": "ml.c5.2xlarge", "InstanceCount": 1, "VolumeSizeInGB": 30},
        "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
        "RetryStrategy": {"MaximumRetryAttempts": 1},
        "HyperParameters": {"run": "1"},
        "Tags": [{"Key": "attune:run", "Value": "1"}],
        **changes,
    }


def _object(platform: _Platform, key: str) -> bytes:
    body: bytes = platform.s3.get_object(Bucket=_BUCKET, Key=key)["Body"].read()
    return body


def test_a_job_runs_under_the_contract(store: RunningStore, tmp_path: Path) -> None:
    platform = _Platform(store, tmp_path, _GOOD)
    with platform.running() as client:
        arn = client.create_training_job(**_request("good"))["TrainingJobArn"]
        platform.wait("good", lambda job: job.over)
        told = client.describe_training_job(TrainingJobName="good")
        platform.announcer.once()
        platform.announcer.once()
    assert told["TrainingJobStatus"] == told["SecondaryStatus"] == "Completed"
    artifact = told["ModelArtifacts"]["S3ModelArtifacts"]
    assert artifact == f"s3://{_BUCKET}/good/output/good/output/model.tar.gz"
    with tarfile.open(
        fileobj=io.BytesIO(_object(platform, artifact.removeprefix(f"s3://{_BUCKET}/")))
    ) as archive:
        assert archive.getnames() == ["report.json"]
    assert _object(platform, "good/checkpoints/progress.json") == b'{"progress": 50}'
    stages = [entry["Status"] for entry in told["SecondaryStatusTransitions"]]
    assert stages == ["Pending", "Downloading", "Training", "Uploading", "Completed"]
    assert told["TrainingStartTime"] <= told["TrainingEndTime"]
    (event,) = platform.events
    assert event["detail-type"] == "SageMaker Training Job State Change"
    assert event["source"] == "aws.sagemaker"
    assert event["resources"] == [arn]
    assert event["detail"]["TrainingJobStatus"] == "Completed"
    assert event["detail"]["Tags"] == {"attune:run": "1"}
    assert event["detail"]["CreationTime"] == pytest.approx(time.time() * 1000, abs=60_000)
    assert not (platform.folder / "good").exists()


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        (
            "(root / 'output/failure').write_text('Too little speech.'); sys.exit(1)",
            "AlgorithmError: Too little speech., exit code: 1",
        ),
        ("sys.exit(3)", "AlgorithmError: , exit code: 3"),
        ("os.kill(os.getpid(), 9)", "InternalServerError: the program was killed by signal 9."),
    ],
)
def test_why_a_job_failed_is_told(store: RunningStore, tmp_path: Path, program: str, reason: str) -> None:
    platform = _Platform(store, tmp_path, program)
    with platform.running() as client:
        client.create_training_job(**_request("bad"))
        platform.wait("bad", lambda job: job.over)
        told = client.describe_training_job(TrainingJobName="bad")
    assert (told["TrainingJobStatus"], told["FailureReason"]) == ("Failed", reason)
    assert "ModelArtifacts" not in told


def test_missing_input_fails_the_job(store: RunningStore, tmp_path: Path) -> None:
    platform = _Platform(store, tmp_path, _GOOD)
    request = _request("missing")
    request["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3Uri"] = f"s3://{_BUCKET}/nothing/"
    with platform.running() as client:
        client.create_training_job(**request)
        job = platform.wait("missing", lambda job: job.over)
    assert job.failure_reason.startswith("ClientError: Data download failed: No S3 objects found")


def test_a_job_is_stopped_by_sigterm_and_keeps_its_checkpoints(store: RunningStore, tmp_path: Path) -> None:
    polite = """
    def stop(*_):
        (checkpoints / "said").write_text("goodbye")
        sys.exit(143)
    signal.signal(signal.SIGTERM, stop)
    """
    platform = _Platform(store, tmp_path, textwrap.dedent(polite) + _ENDLESS)
    with platform.running() as client:
        client.create_training_job(**_request("stopped"))
        client.create_training_job(**_request("waiting"))
        _wait_for_steps(platform, "stopped", 2)
        # One job at a time; what only waits is stopped at once.
        assert client.describe_training_job(TrainingJobName="waiting")["SecondaryStatus"] == "Pending"
        client.stop_training_job(TrainingJobName="waiting")
        assert client.describe_training_job(TrainingJobName="waiting")["TrainingJobStatus"] == "Stopped"
        client.stop_training_job(TrainingJobName="stopped")
        platform.wait("stopped", lambda job: job.status == "Stopped")
        with pytest.raises(ClientError, match="is in status Stopped"):
            client.stop_training_job(TrainingJobName="stopped")
    assert _object(platform, "stopped/checkpoints/said") == b"goodbye"


def _steps(platform: _Platform, name: str, file: str = "state") -> int:
    """Return a count that lies in the bucket: how many steps were done, or had been when the program began."""
    try:
        return int(_object(platform, f"{name}/checkpoints/{file}") or b"0")
    except ClientError:
        return 0


def _wait_for_steps(platform: _Platform, name: str, steps: int) -> None:
    until = time.monotonic() + 120
    while _steps(platform, name) < steps:
        assert time.monotonic() < until, f"waited in vain: {platform.jobs.get(name)}"
        time.sleep(0.05)


def _goes_on(platform: _Platform, name: str, steps: int) -> None:
    """See a job take its steps up where they were interrupted, then end it."""
    _wait_for_steps(platform, name, steps + 3)
    assert _steps(platform, name, "began_at") == steps
    (platform.folder / f"{name}/ml/checkpoints/enough").touch()
    platform.wait(name, lambda job: job.status == "Completed")


def test_a_program_that_ignores_sigterm_is_killed(
    store: RunningStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.local.sagemaker.training_runner._GRACE_S", 0.5)
    platform = _Platform(store, tmp_path, "signal.signal(signal.SIGTERM, signal.SIG_IGN)" + _ENDLESS)
    with platform.running() as client:
        client.create_training_job(**_request("deaf"))
        _wait_for_steps(platform, "deaf", 1)
        client.stop_training_job(TrainingJobName="deaf")
        platform.wait("deaf", lambda job: job.status == "Stopped")


def test_a_job_that_takes_too_long_is_stopped(store: RunningStore, tmp_path: Path) -> None:
    platform = _Platform(store, tmp_path, _ENDLESS)
    with platform.running() as client:
        client.create_training_job(**_request("long", StoppingCondition={"MaxRuntimeInSeconds": 1}))
        job = platform.wait("long", lambda job: job.over)
    assert (job.status, job.secondary_status) == ("Stopped", "MaxRuntimeExceeded")


def test_a_killed_program_goes_on_from_its_checkpoint(store: RunningStore, tmp_path: Path) -> None:
    platform = _Platform(store, tmp_path, "(checkpoints / 'pid').write_text(str(os.getpid()))" + _ENDLESS)
    with platform.running() as client:
        client.create_training_job(**_request("killed"))
        _wait_for_steps(platform, "killed", 3)
        # What it was killed at is what the program that follows begins with.
        os.kill(int(_object(platform, "killed/checkpoints/pid")), signal.SIGKILL)
        platform.wait("killed", lambda job: job.crashes == 1 and job.secondary_status == "Training")
        platform.wait("killed", lambda job: _steps(platform, "killed", "began_at") >= 3)
        _goes_on(platform, "killed", _steps(platform, "killed", "began_at"))


def test_a_job_goes_on_after_the_service_has_ended(store: RunningStore, tmp_path: Path) -> None:
    former = _Platform(store, tmp_path, _ENDLESS)
    with former.running() as client:
        client.create_training_job(**_request("outlasting"))
        _wait_for_steps(former, "outlasting", 3)
    assert former.jobs.get("outlasting").status == "InProgress"  # type: ignore[union-attr]
    # Counted only now: until its end the former program has gone on, and its last checkpoint was kept.
    steps = _steps(former, "outlasting")
    platform = _Platform(store, tmp_path, _ENDLESS)
    with platform.running():
        _goes_on(platform, "outlasting", steps)


def test_an_end_that_nobody_was_told_of_is_announced_after_a_restart(
    store: RunningStore, tmp_path: Path
) -> None:
    former = _Platform(store, tmp_path, _GOOD)
    with former.running() as client:
        client.create_training_job(**_request("untold"))
        former.wait("untold", lambda job: job.over)
    platform = _Platform(store, tmp_path, _GOOD)
    platform.announcer.once()
    assert [event["detail"]["TrainingJobName"] for event in platform.events] == ["untold"]


def test_checkpoints_are_carried_while_the_program_replaces_them(store: RunningStore, tmp_path: Path) -> None:
    folder, s3, over = tmp_path / "checkpoints", store.client("s3", read_timeout_s=120), threading.Event()
    folder.mkdir()
    sync = CheckpointSync(folder, f"s3://{_BUCKET}/replaced/checkpoints/", s3)

    def replace() -> None:
        length = 0
        while not over.is_set():
            length = (length + 997) % 5000
            (tmp_path / "fresh").write_bytes(b"x" * length)
            (tmp_path / "fresh").replace(folder / "progress.json")
            (folder / "in_place").write_bytes(b"x" * length)

    writer = threading.Thread(target=replace)
    writer.start()
    try:
        for _ in range(100):
            sync.once()
    finally:
        over.set()
        writer.join()
    sync.once()
    for name in ("progress.json", "in_place"):
        body = s3.get_object(Bucket=_BUCKET, Key=f"replaced/checkpoints/{name}")["Body"].read()
        assert body == (folder / name).read_bytes()


class _Failing:
    """A client of S3 whose uploads of models fail once."""

    def __init__(self, client: Any, error: Exception) -> None:
        self._client, self._error = client, error
        self.failed = False

    def upload_fileobj(self, file: Any, bucket: str, key: str) -> None:
        if key.endswith("model.tar.gz") and not self.failed:
            self.failed = True
            raise self._error
        self._client.upload_fileobj(file, bucket, key)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (S3UploadFailedError("the store is away"), "Completed", None),
        (KeyError("a fault"), "Failed", "InternalServerError: the job could not be run."),
    ],
)
def test_jobs_go_on_after_an_error(
    store: RunningStore, tmp_path: Path, error: Exception, status: str, reason: str | None
) -> None:
    platform = _Platform(store, tmp_path, _GOOD)
    failing = _Failing(platform.s3, error)
    platform.runner = Runner(platform.jobs, platform.folder, lambda: failing, platform.program)  # type: ignore[arg-type,return-value]
    with platform.running() as client:
        for name in ("disturbed", "next"):
            client.create_training_job(**_request(name))
        job = platform.wait("disturbed", lambda job: job.over)
        after = platform.wait("next", lambda job: job.over)
    assert failing.failed
    assert (job.status, job.failure_reason) == (status, reason)
    assert after.status == "Completed"


def test_the_program_ends_with_what_watches_it(
    store: RunningStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pid = tmp_path / "pid"

    def fault(sync: CheckpointSync) -> None:
        if pid.exists() and pid.read_text():
            raise KeyError("a fault")

    monkeypatch.setattr(CheckpointSync, "once", fault)
    platform = _Platform(
        store,
        tmp_path,
        f"pathlib.Path({str(pid)!r}).write_text(str(os.getpid()))\n" + textwrap.dedent(_ENDLESS),
    )
    with platform.running() as client:
        client.create_training_job(**_request("watched"))
        job = platform.wait("watched", lambda job: job.over)
    assert job.status == "Failed"
    assert not Path(f"/proc/{pid.read_text()}").exists()
    assert not (platform.folder / "watched").exists()


def test_a_job_that_is_stopped_as_its_turn_comes_does_not_run(store: RunningStore, tmp_path: Path) -> None:
    platform = _Platform(store, tmp_path, _GOOD)
    assert platform.jobs.add(TrainingJob(_request("stopped")).at("Pending"))
    job = platform.jobs.get("stopped")
    assert job is not None
    assert platform.jobs.stop("stopped")
    platform.runner._step(job)
    after = platform.jobs.get("stopped")
    assert after is not None
    assert (after.status, after.secondary_status) == ("Stopped", "Stopped")


def test_what_a_kill_left_of_ended_jobs_is_removed(store: RunningStore, tmp_path: Path) -> None:
    former = _Platform(store, tmp_path, _GOOD)
    with former.running() as client:
        client.create_training_job(**_request("ended"))
        former.wait("ended", lambda job: job.over)
    for name in ("ended", "unknown", "waiting"):
        (former.folder / name / "ml/input").mkdir(parents=True)
    assert former.jobs.add(TrainingJob(_request("waiting")).at("Pending"))
    platform = _Platform(store, tmp_path, _GOOD)
    assert sorted(path.name for path in platform.folder.iterdir() if path.is_dir()) == ["waiting"]
    assert {job.name for job in platform.jobs} == {"ended", "waiting"}


def test_names_are_taken_once_and_requests_are_checked(store: RunningStore, tmp_path: Path) -> None:
    platform = _Platform(store, tmp_path, _GOOD)
    with platform.running() as client:
        for name in ("one", "two", "three"):
            client.create_training_job(**_request(name))
        with pytest.raises(client.exceptions.ResourceInUse, match="already exists"):
            client.create_training_job(**_request("one"))
        with pytest.raises(ClientError, match="ValidationException"):
            client.create_training_job(**_request("not_a_name"))
        with pytest.raises(ClientError, match="Requested resource not found"):
            client.describe_training_job(TrainingJobName="nobody")
        for name in ("one", "two", "three"):
            platform.wait(name, lambda job: job.over)
        pages = client.get_paginator("list_training_jobs").paginate(
            StatusEquals="Completed", PaginationConfig={"PageSize": 2}
        )
        names = [entry["TrainingJobName"] for page in pages for entry in page["TrainingJobSummaries"]]
    assert names == ["three", "two", "one"]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"Environment": {"PYTHONUNBUFFERED": "1", "PYTHONPATH": "/tmp"}}, "PYTHONPATH"),
        ({"Environment": {"LD_PRELOAD": "/tmp/one.so"}}, "LD_PRELOAD"),
        ({"Environment": {"ATTUNE_TRAINING_ROOT": "/tmp"}}, "ATTUNE_TRAINING_ROOT"),
        ({"InputDataConfig": [{**_request("x")["InputDataConfig"][0], "ChannelName": ".."}]}, "channelName"),
    ],
)
def test_a_request_names_no_variable_and_no_folder_of_its_own(
    store: RunningStore, tmp_path: Path, changes: dict[str, Any], named: str
) -> None:
    platform = _Platform(store, tmp_path, _GOOD)
    with platform.running() as client:
        with pytest.raises(ClientError, match=named):
            client.create_training_job(**_request("chosen", **changes))
        assert client.list_training_jobs()["TrainingJobSummaries"] == []


def test_jobs_are_listed_by_time_and_in_the_order_asked_for(store: RunningStore, tmp_path: Path) -> None:
    platform = _Platform(store, tmp_path, _GOOD)
    with platform.running() as client:
        for name in ("b", "c", "a"):
            client.create_training_job(**_request(name))
            platform.wait(name, lambda job: job.over)
        second = client.describe_training_job(TrainingJobName="c")["CreationTime"]

        def listed(**filters: Any) -> list[str]:
            found = client.list_training_jobs(**filters)["TrainingJobSummaries"]
            return [entry["TrainingJobName"] for entry in found]

        assert listed() == ["a", "c", "b"]
        assert listed(SortBy="Name", SortOrder="Ascending") == ["a", "b", "c"]
        assert listed(CreationTimeAfter=second) == ["a"]
        assert listed(CreationTimeBefore=second) == ["b"]
        assert listed(LastModifiedTimeBefore=second) == ["b"]


def test_a_job_that_is_over_says_how_long_it_is_billed(store: RunningStore, tmp_path: Path) -> None:
    platform = _Platform(store, tmp_path, _GOOD + "time.sleep(1.5)")
    with platform.running() as client:
        client.create_training_job(**_request("billed"))
        assert "BillableTimeInSeconds" not in client.describe_training_job(TrainingJobName="billed")
        platform.wait("billed", lambda job: job.over)
        told = client.describe_training_job(TrainingJobName="billed")
    assert told["BillableTimeInSeconds"] == told["TrainingTimeInSeconds"]
    between_s = (told["TrainingEndTime"] - told["TrainingStartTime"]).total_seconds()
    assert 1 <= told["BillableTimeInSeconds"] == round(between_s)


def test_tags_are_listed_and_added(store: RunningStore, tmp_path: Path) -> None:
    platform = _Platform(store, tmp_path, _GOOD)
    with platform.running() as client:
        arn = client.create_training_job(**_request("tagged"))["TrainingJobArn"]
        client.add_tags(
            ResourceArn=arn, Tags=[{"Key": "attune:run", "Value": "2"}, {"Key": "x", "Value": "y"}]
        )
        pages = client.get_paginator("list_tags").paginate(ResourceArn=arn, PaginationConfig={"PageSize": 50})
        tags = {tag["Key"]: tag["Value"] for page in pages for tag in page["Tags"]}
        with pytest.raises(ClientError, match="Requested resource not found"):
            client.list_tags(ResourceArn=f"{arn}-else")
        platform.wait("tagged", lambda job: job.over)
    assert tags == {"attune:run": "2", "x": "y"}
    assert TrainingJobs(platform.folder).get("tagged").request["Tags"] == [  # type: ignore[union-attr]
        {"Key": "attune:run", "Value": "2"},
        {"Key": "x", "Value": "y"},
    ]
