"""What SageMaker says about a job, and what this image does not take."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from training_image.container.configuration import ConfigurationInvalid, check_hosts, read_configuration
from training_image.container.workers import available_cores

CHANNEL = {"TrainingInputMode": "File", "S3DistributionType": "FullyReplicated", "RecordWrapperType": "None"}


def _write(folder: Path, **documents: Any) -> Path:
    for name, document in documents.items():
        (folder / f"{name}.json").write_text(json.dumps(document))
    return folder


def test_a_job_as_sagemaker_sets_it_up_is_taken(tmp_path: Path) -> None:
    _write(
        tmp_path,
        hyperparameters={"cores": "3", "sagemaker_job_name": '"x"'},
        inputdataconfig={"plan": CHANNEL, "audio": CHANNEL | {"TrainingInputMode": "FastFile"}},
        resourceconfig={"current_host": "algo-1", "hosts": ["algo-1"], "network_interface_name": "eth0"},
    )
    machine = read_configuration(tmp_path)
    assert (machine.cores, machine.hosts, machine.rank) == (3, ("algo-1",), 0)
    check_hosts(machine, "abacus", several=False)


def test_without_files_all_cores_are_used(tmp_path: Path) -> None:
    assert read_configuration(tmp_path).cores == available_cores()


@pytest.mark.parametrize(
    ("documents", "problem"),
    [
        ({"hyperparameters": {"cores": "0"}}, "cores must be a number from 1 to 1024, not '0'"),
        ({"hyperparameters": {"cores": "all"}}, "cores must be a number"),
        ({"hyperparameters": ["cores"]}, "hyperparameters.json is not an object"),
        ({"resourceconfig": {"hosts": ["algo-1", "algo-2"]}}, "the host None is not among"),
        ({"resourceconfig": {"hosts": ["algo-1"], "current_host": "algo-2"}}, "host 'algo-2' is not among"),
        ({"resourceconfig": {"hosts": ["algo-1"], "current_host": ["algo-1"]}}, "is not among"),
        ({"resourceconfig": {"hosts": "algo-1"}}, "not a list of names"),
        ({"resourceconfig": {"hosts": ["algo-1", 2]}}, "not a list of names"),
        ({"resourceconfig": {"hosts": ["algo-1", "algo-1"], "current_host": "algo-1"}}, "names a host twice"),
        ({"resourceconfig": {"network_interface_name": 0}}, "network_interface_name"),
        ({"inputdataconfig": {"audio": CHANNEL}}, "no input channel 'plan'"),
        (
            {"inputdataconfig": {"plan": CHANNEL, "audio": {"TrainingInputMode": "Pipe"}}},
            "channel 'audio' must have the mode File",
        ),
    ],
)
def test_another_set_up_is_refused(tmp_path: Path, documents: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigurationInvalid, match=problem):
        read_configuration(_write(tmp_path, **documents))


@pytest.mark.parametrize(("host", "rank"), [("algo-1", 0), ("algo-2", 1), ("algo-10", 2)])
def test_hosts_know_their_number_and_whom_to_meet(tmp_path: Path, host: str, rank: int) -> None:
    hosts = ["algo-10", "algo-1", "algo-2"]
    resources = {"current_host": host, "hosts": hosts, "network_interface_name": "ethwe"}
    machine = read_configuration(_write(tmp_path, resourceconfig=resources))
    assert machine.hosts == ("algo-1", "algo-2", "algo-10")
    assert (machine.host, machine.rank, machine.leader) == (host, rank, "algo-1")
    assert machine.network_interface == "ethwe"


def test_an_engine_that_adapts_on_one_instance_refuses_more(tmp_path: Path) -> None:
    resources = {"current_host": "algo-1", "hosts": ["algo-1", "algo-2"]}
    machine = read_configuration(_write(tmp_path, resourceconfig=resources))
    check_hosts(machine, "abacus", several=True)
    with pytest.raises(ConfigurationInvalid, match="'abacus' is adapted on one instance and was given 2"):
        check_hosts(machine, "abacus", several=False)


def test_a_file_that_is_not_json_is_named(tmp_path: Path) -> None:
    (tmp_path / "resourceconfig.json").write_text("{")
    with pytest.raises(ConfigurationInvalid, match=r"resourceconfig\.json is not JSON"):
        read_configuration(tmp_path)
