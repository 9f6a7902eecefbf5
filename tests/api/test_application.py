"""The application in a fresh interpreter: what it imports."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
LIBRARIES = {
    # The platform's, then what these import in their turn.
    *("aws_lambda_powertools", "boto3", "chalice", "pynamodb", "python_multipart"),
    *(
        "blinker",
        "botocore",
        "certifi",
        "dateutil",
        "jmespath",
        "s3transfer",
        "six",
        "typing_extensions",
        "urllib3",
    ),
}
HEAVY = ["numpy", "pocketsphinx", "soundfile", "av", "soxr", "onnxruntime", "uvicorn", "sagemaker", "moto"]


@pytest.fixture(scope="module")
def imported() -> list[str]:
    # What the interpreter brings along, such as an installer's hooks, is not of the application's making.
    code = (
        "import json, sys; before = set(sys.modules); import app; "
        "print(json.dumps(sorted(sys.modules.keys() - before)))"
    )
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
    modules: list[str] = json.loads(ended.stdout)
    return modules


@pytest.mark.parametrize("library", HEAVY)
def test_the_api_imports_nothing_heavy(imported: list[str], library: str) -> None:
    assert "chalicelib.api.customization.acoustic_models" in imported
    assert [name for name in imported if name.split(".")[0] == library] == []


def test_the_api_imports_no_room_that_works_on_audio(imported: list[str]) -> None:
    rooms = {name.split(".")[1] for name in imported if name.startswith("chalicelib.")}
    assert rooms.isdisjoint({"training", "events", "gateway"})
    # Names and versions of base models are known without an engine.
    assert [name for name in imported if name.startswith("chalicelib.engines.")] == [
        "chalicelib.engines.availability",
        "chalicelib.engines.catalogue",
        "chalicelib.engines.errors",
        "chalicelib.engines.features",
        "chalicelib.engines.staged",
        "chalicelib.engines.watson_models",
    ]


def test_the_api_imports_no_library_beyond_those_it_is_made_of(imported: list[str]) -> None:
    # A cold start pays for each of them. How long that takes is a figure of `bench api`: a machine's clock rate
    # is no property of the code.
    libraries = {name.split(".")[0] for name in imported} - sys.stdlib_module_names
    assert libraries - {"__main__", "__mp_main__", "app", "chalicelib"} <= LIBRARIES
