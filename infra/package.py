"""`python -m infra.package`: the service's functions and its template, as CloudFormation takes them.

Chalice packages them; here its template loses what API Gateway does not need, and its white space: two thirds
of its size. It gains the dashboard.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from infra import dashboard
from infra.resources import TEMPLATE

ROOT = Path(__file__).parent.parent
TEMPLATE_NAME = "sam.json"
CODE_NAME = "deployment.zip"
_CHALICE = "from chalice.cli import main; main()"
_UNUSED_OF_METHOD = ("consumes", "produces", "parameters")
"""What a method takes and gives is the function's business; what stands in the path, the path says."""
_ANY_METHOD = "x-amazon-apigateway-any-method"
_INTEGRATION = "x-amazon-apigateway-integration"
_UNUSED_OF_PROXY = ("responses", "passthroughBehavior")
"""A function's answer is passed on as it is."""


class PackagingFailed(Exception):
    """Chalice ended with an error; the text is what it said."""


def package(folder: Path, project: Path = ROOT) -> Path:
    """Write the template and the functions' code into a folder.

    Args:
        folder: where they go; it is made.
        project: the sources, with `app.py` and `.chalice/config.json`.

    Returns:
        The template.

    Raises:
        PackagingFailed: Chalice could not do its part.
    """
    command = [sys.executable, "-c", _CHALICE, "package", "--stage", "prod"]
    command += ["--merge-template", str(TEMPLATE), str(folder.absolute())]
    environment = {"AWS_DEFAULT_REGION": "us-east-1", **os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise PackagingFailed(f"{done.stdout}{done.stderr}".strip())
    path = folder / TEMPLATE_NAME
    template = compacted(json.loads(path.read_text()))
    template["Resources"]["Dashboard"] = dashboard.resource(template)
    path.write_text(json.dumps(template, separators=(",", ":")))
    return path


def compacted(template: dict[str, Any]) -> dict[str, Any]:
    """Return the template without what describes the API to people.

    All methods of a path go to the function, which knows its own: also preflights, which Chalice would have
    API Gateway answer, and methods that are not served, which get the service's own 405.
    """
    definition = template["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]
    definition.pop("definitions", None)
    for path, methods in definition["paths"].items():
        method = next(method for name, method in methods.items() if name != "options")
        for name in _UNUSED_OF_METHOD:
            method.pop(name, None)
        for response in method["responses"].values():
            response.pop("schema", None)
            response["description"] = ""
        for name in _UNUSED_OF_PROXY:
            method[_INTEGRATION].pop(name, None)
        definition["paths"][path] = {_ANY_METHOD: method}
    return template


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m infra.package", description=__doc__)
    parser.add_argument("folder", type=Path, help="where the template and the code go")
    options = parser.parse_args(arguments)
    try:
        path = package(options.folder)
    except PackagingFailed as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{path} has {path.stat().st_size / 1000:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
