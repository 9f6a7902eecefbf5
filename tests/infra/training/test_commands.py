"""The commands from end to end: SageMaker's SDK between an operator and the emulation of the platform."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

from infra.local.sagemaker.training_jobs import TrainingJobs
from tests.infra.training.operator import CUSTOMIZATION, OWNER, command, emulation, job, needs_sdk

pytestmark = needs_sdk
TOOL = ("-m", "infra.training")


def test_jobs_are_listed_and_added_up_by_tag(tmp_path: Path) -> None:
    jobs = TrainingJobs(tmp_path)
    jobs.add(job(ran_s=1800, status="Completed"))
    jobs.add(
        job(
            "attune-other-000001",
            created_s=1_790_100_000,
            ran_s=900,
            tags={"attune:owner": "else"},
            status="Completed",
        )
    )
    jobs.add(job("somebody-elses", ran_s=900, status="Completed"))
    with emulation(jobs) as (recorder, url):
        listed = command(url, *TOOL, "list")
        of_owner = command(url, *TOOL, "list", "--owner", OWNER)
        by_owner = command(url, *TOOL, "cost", "--by", "owner", ATTUNE_TRAINING_PRICES="ml.g5.xlarge=2")
    assert listed.returncode == 0, listed.stderr
    names = [line.split()[0] for line in listed.stdout.splitlines()]
    assert names == ["job", "attune-other-000001", f"attune-{CUSTOMIZATION}-000001"]
    assert [line.split()[0] for line in of_owner.stdout.splitlines()[1:]] == [
        f"attune-{CUSTOMIZATION}-000001"
    ]
    assert [line.split() for line in by_owner.stdout.splitlines()[1:]] == [
        [OWNER, "1", "0.50", "1.00"],
        ["else", "1", "0.25", "0.50"],
        ["total", "2", "0.75", "1.50"],
    ]
    assert "elemetry" not in listed.stdout + listed.stderr
    assert {name for name, _ in recorder.sent} == {"ListTrainingJobs", "DescribeTrainingJob", "ListTags"}


def test_a_job_is_watched_to_its_end(tmp_path: Path) -> None:
    jobs = TrainingJobs(tmp_path)
    watched = job(started_s=time.time(), secondary_status="Training")
    jobs.add(watched)

    def end() -> None:
        until = time.monotonic() + 120
        while len(recorder.sent) < 2 and time.monotonic() < until:
            time.sleep(0.05)
        reason = "AlgorithmError: No speech was found., exit code: 1"
        jobs.update(watched.name, "Failed", status="Failed", ended_s=time.time(), failure_reason=reason)

    with emulation(jobs) as (recorder, url):
        ending = threading.Thread(target=end)
        ending.start()
        done = command(url, *TOOL, "watch", watched.name, "--every-s", "0.1")
        ending.join()
        unknown = command(url, *TOOL, "watch", "attune-nobody")
    assert done.returncode == 1, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "InProgress: Training"
    assert lines[1:3] == ["Failed", "AlgorithmError: No speech was found., exit code: 1"]
    assert lines[3].startswith("billed ")
    assert (unknown.returncode, unknown.stderr.strip()) == (2, "There is no training job 'attune-nobody'.")


def test_a_training_by_hand_is_what_was_asked_for(tmp_path: Path) -> None:
    jobs = TrainingJobs(tmp_path)
    with emulation(jobs) as (recorder, url):
        done = command(
            url, *TOOL, "run", "s3://bucket/by-hand", "--image", "111111111111.dkr.ecr.us-east-1.amazonaws.com/image:1",
            "--role", "arn:aws:iam::111111111111:role/attune-training", "--output", "s3://bucket/out",
            "--instance-type", "ml.g6.xlarge", "--channel", "base", "--spot", "--limit-s", "600",
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (sent,) = [json.loads(body) for name, body in recorder.sent if name == "CreateTrainingJob"]
    name = done.stdout.strip()
    assert sent["TrainingJobName"] == name
    assert name.startswith("attune-by-hand-")
    assert sent["ResourceConfig"] == {
        "InstanceType": "ml.g6.xlarge",
        "InstanceCount": 1,
        "VolumeSizeInGB": 50,
    }
    assert sent["StoppingCondition"] == {"MaxRuntimeInSeconds": 600, "MaxWaitTimeInSeconds": 1200}
    assert sent["EnableNetworkIsolation"] is True
    assert sent["EnableManagedSpotTraining"] is True
    assert sent["OutputDataConfig"]["S3OutputPath"] == "s3://bucket/out/"
    assert sent["CheckpointConfig"]["S3Uri"].startswith("s3://bucket/out/checkpoints/")
    assert {
        channel["ChannelName"]: channel["DataSource"]["S3DataSource"]["S3Uri"]
        for channel in sent["InputDataConfig"]
    } == {channel: f"s3://bucket/by-hand/{channel}/" for channel in ("plan", "audio", "base")}


def test_a_local_container_is_checked_before_docker_is_asked(tmp_path: Path) -> None:
    for name in ("plan", "audio"):
        (tmp_path / "input" / name).mkdir(parents=True)
    (tmp_path / "input/plan/plan.json").write_text("{}")
    arguments = ("run", str(tmp_path / "input"), "--image", "attune-training", "--local", "--check")
    done = command("http://127.0.0.1:9", *TOOL, *arguments, "--folder", str(tmp_path / "fit"))
    assert done.returncode == 0, done.stderr
    assert "nothing was started" in done.stdout


def test_a_job_that_was_run_by_hand_is_created_again(tmp_path: Path) -> None:
    jobs = TrainingJobs(tmp_path)
    failed = job(
        "attune-by-hand-20260101000000",
        ran_s=5,
        status="Failed",
        secondary_status="Failed",
        tags={"who": "me"},
    )
    jobs.add(failed)
    with emulation(jobs) as (_, url):
        done = command(url, *TOOL, "retry", failed.name)
        running = command(url, *TOOL, "retry", done.stdout.strip())
    assert done.returncode == 0, done.stderr
    created = jobs.get(done.stdout.strip())
    assert created is not None
    assert created.name != failed.name
    assert {**created.request, "TrainingJobName": failed.name} == failed.request
    assert (running.returncode, "is not over: InProgress" in running.stderr) == (2, True)
