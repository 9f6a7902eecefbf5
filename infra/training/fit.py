"""`run`: one training by hand, on SageMaker or in a local container, for a look at an image or at a recipe.

The input lies as the container finds it below `/opt/ml/input/data`: `plan/plan.json` and `audio/…`, and where
the plan names them `language/…` and `base/…` (docs/internals/training.md). What it leaves
belongs to no custom model.
"""

from __future__ import annotations

import argparse
import os
import uuid
from pathlib import Path
from typing import Any

from infra.training import sdk
from infra.training.jobs import PREFIX

ALWAYS = ("plan", "audio")
WHERE_NAMED = ("language", "base")
BASE_NAME = f"{PREFIX}by-hand"
"""The SDK appends the time, and cuts the whole at 63 characters: so none of the user's own."""


class InputUnusable(Exception):
    """What is to be trained on does not lie as the container needs it."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what can be asked for."""
    parser.add_argument("input", help="a folder, or an S3 prefix, with plan/ and audio/")
    parser.add_argument("--image", required=True, help="URI of the training image")
    parser.add_argument("--local", action="store_true", help="in a container of this machine's Docker")
    parser.add_argument(
        "--folder", type=Path, default=Path("fit"), help="where --local leaves the model (fit)"
    )
    parser.add_argument("--gpu", action="store_true", help="with --local: give the container the GPUs")
    parser.add_argument("--role", metavar="ARN", help="the role of the job; needed unless --local")
    parser.add_argument("--output", metavar="S3", help="S3 prefix for the model; needed unless --local")
    parser.add_argument("--instance-type", default="ml.g5.xlarge", metavar="TYPE", help="(ml.g5.xlarge)")
    parser.add_argument("--instances", type=int, default=1, metavar="N", help="how many of them (1)")
    parser.add_argument("--volume-gb", type=int, default=50, metavar="GB", help="disk of each (50)")
    parser.add_argument(
        "--limit-s", type=int, default=4 * 3600, metavar="S", help="it may take so long (14400)"
    )
    parser.add_argument("--spot", action="store_true", help="on machines that may be taken away")
    parser.add_argument(
        "--channel", action="append", default=[], choices=WHERE_NAMED, help="there is this, too"
    )
    parser.add_argument("--check", action="store_true", help="check everything and start nothing")
    parser.add_argument("--wait", action="store_true", help="print the log until the job is over")


def run(arguments: argparse.Namespace) -> int:
    """Start the job, and print its name.

    Raises:
        InputUnusable: see there.
        sdk.SdkMissing: see there.
    """
    sources = channels(arguments.input, also=arguments.channel, local=arguments.local)
    model_trainer = trainer(arguments, sources)
    wait = arguments.wait or arguments.local
    model_trainer.train(wait=wait, logs=wait, dry_run=arguments.check)
    if arguments.check:
        print("The request is in order; nothing was started.")
    elif arguments.local:
        print(f"The model is below {arguments.folder.resolve()}.")
    else:
        print(model_trainer._latest_training_job.training_job_name)
    return 0


def channels(source: str, *, also: list[str], local: bool) -> dict[str, str]:
    """Return where each input channel lies.

    Raises:
        InputUnusable: there is no plan, no audio, or a job on SageMaker is to read a folder.
    """
    if source.startswith("s3://"):
        return {name: f"{source.rstrip('/')}/{name}/" for name in (*ALWAYS, *also)}
    folder = Path(source)
    if not local:
        raise InputUnusable(
            f"A job on SageMaker cannot read {source!r}: copy the folder into a bucket (aws s3 sync) and "
            "name that, or add --local."
        )
    for name in ALWAYS:
        if not (folder / name).is_dir():
            raise InputUnusable(
                f"{source!r} has no folder {name!r}: docs/internals/training.md says what lies where."
            )
    if not (folder / "plan/plan.json").is_file():
        raise InputUnusable(
            f"{source!r} has no plan/plan.json: docs/internals/training.md says what stands in it."
        )
    there = [name for name in (*ALWAYS, *WHERE_NAMED) if (folder / name).is_dir()]
    return {name: str((folder / name).resolve()) for name in there}


def trainer(arguments: argparse.Namespace, sources: dict[str, str]) -> Any:
    """Return the SDK's trainer of a job.

    Raises:
        InputUnusable: a job on SageMaker needs a role and an output.
    """
    if not arguments.local and not (arguments.role and arguments.output):
        raise InputUnusable("A job on SageMaker needs --role and --output; --local needs neither.")
    # The role is named in full. The SDK would try it out first, with rights that an operator need not have.
    os.environ.setdefault("SAGEMAKER_VALIDATE_ROLE", "false")
    train = sdk.module("train.model_trainer")
    configs = sdk.module("train.configs")
    inputs = [configs.InputData(channel_name=name, data_source=where) for name, where in sources.items()]
    if arguments.local:
        return train.ModelTrainer(
            training_mode=train.Mode.LOCAL_CONTAINER,
            training_image=arguments.image,
            base_job_name=BASE_NAME,
            compute=configs.Compute(
                instance_type="local_gpu" if arguments.gpu else "local_cpu",
                instance_count=arguments.instances,
            ),
            input_data_config=inputs,
            local_container_root=str(arguments.folder.resolve()),
        )
    output = arguments.output.rstrip("/")
    limits = {"max_runtime_in_seconds": arguments.limit_s}
    if arguments.spot:
        limits["max_wait_time_in_seconds"] = 2 * arguments.limit_s
    return train.ModelTrainer(
        training_image=arguments.image,
        base_job_name=BASE_NAME,
        role=arguments.role,
        compute=configs.Compute(
            instance_type=arguments.instance_type,
            instance_count=arguments.instances,
            volume_size_in_gb=arguments.volume_gb,
            enable_managed_spot_training=arguments.spot,
        ),
        networking=configs.Networking(enable_network_isolation=True),
        stopping_condition=configs.StoppingCondition(**limits),
        input_data_config=inputs,
        output_data_config=configs.OutputDataConfig(s3_output_path=f"{output}/"),
        # Of this job alone: another with the same output must not take them up.
        checkpoint_config=configs.CheckpointConfig(s3_uri=f"{output}/checkpoints/{uuid.uuid4()}/"),
        tags=[configs.Tag(key="attune:by-hand", value="true")],
    )
