"""Custom acoustic models of a running service, trained in a moment: what a training would have left is put there.

As a program it runs in the environment of the service's own processes, which alone know the store.
"""

from __future__ import annotations

import contextlib
import hashlib
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from chalicelib.engines import catalogue
from chalicelib.storage import layout, objects
from chalicelib.storage.kept_version import KeptVersion
from chalicelib.storage.tables import AcousticModel
from infra.local.processes import child
from tests import adapted_models
from tests.running_service import ROOT, RunningService

_MOVED_BY = 2
"""What is added to the means: enough to hear other words, not enough to hear none."""
_FORGOTTEN = -3.0
"""Of the network's short window: enough to hear a sentence twice, not enough to hear none."""


def promote(service: RunningService, customization_id: str, *base_versions: str) -> None:
    """Let a model, which the service has made, be available on one or two base versions, oldest first.

    Of two versions on the same base version the first one keeps the base.
    """
    mark = str(service.home.resolve())
    environment = next(
        known for known in map(_environment, child.marked(mark)) if "AWS_ENDPOINT_URL" in known
    )
    owner = (service.home / "owner").read_text()
    command = [sys.executable, "-m", "tests.promoted", owner, customization_id, *base_versions]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, timeout=300)


def _environment(process_id: int) -> dict[str, str]:
    """Return a process's environment, nothing when it has ended meanwhile."""
    with contextlib.suppress(OSError):
        lines = Path(f"/proc/{process_id}/environ").read_bytes().decode().split("\0")
        return dict(line.split("=", 1) for line in lines if line)
    return {}


def artefact(base_version: str, *, keeps_base: bool = False) -> bytes:
    """Return a `model.tar.gz` that hears otherwise than its base, or as it does."""
    if keeps_base:
        engine = catalogue.base_version(base_version).engine
        return adapted_models.packed(adapted_models.members(base_version, {}, engine))
    if catalogue.base_version(base_version).engine != "sphinx":
        forgotten = adapted_models.taught(strength=_FORGOTTEN)
        return adapted_models.network_model(base_version, forgotten)
    from chalicelib.engines.sphinx.acoustics.acoustic_model import load_base  # which not every Python has

    means = load_base(base_version).model.means + _MOVED_BY
    return adapted_models.sphinx_model(base_version, {"means": means})


def _main(owner: str, customization_id: str, *base_versions: str) -> None:
    model = AcousticModel.get(owner, customization_id, consistent_read=True)
    model.promoted_run = model.promoted_version = model.promoted_sha256 = None
    model.kept = []
    for run, base_version in enumerate(base_versions, 1):
        content = artefact(base_version, keeps_base=base_version in base_versions[run:])
        sha256 = hashlib.sha256(content).hexdigest()
        kept = KeptVersion(run, datetime.now(UTC), base_version, sha256, len(content))
        model.kept = [*model.kept, kept.to_text()]
        objects.put(layout.adapted_model_key(owner, customization_id, run), content)
        model.older_run, model.older_version = model.promoted_run, model.promoted_version
        model.older_sha256 = model.promoted_sha256
        model.promoted_run, model.promoted_version = run, base_version
        model.promoted_sha256 = sha256
    model.run, model.status, model.versions = len(base_versions), "available", list(base_versions)
    model.save()


if __name__ == "__main__":
    _main(*sys.argv[1:])
