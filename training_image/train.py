"""The program of the training container: one job under SageMaker's contract, `train` by name."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from training_image.checkpoint import write_atomically
from training_image.container import ranks
from training_image.container.layout import ROOT_VARIABLE, Layout, layout_of
from training_image.container.stopping import EXIT_STATUS, is_stopping, stop_on_sigterm
from training_image.failures import JobStopped, reason_of
from training_image.job import processes_wanted, run_job

_log = logging.getLogger("training_image")
_GROUP_SIGNAL_S = 0.5
_COMPUTING = {
    # Threads that wait for each other by turning in circles take the processor from whoever else has work.
    "OMP_WAIT_POLICY": "PASSIVE",
    # What PyTorch and oneDNN keep for every shape that they have met: without a bound it is a gigabyte soon.
    "LRU_CACHE_CAPACITY": "32",
    "ONEDNN_PRIMITIVE_CACHE_CAPACITY": "32",
}
"""Read by numeric libraries when an engine's adaptation loads them."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the job below /opt/ml, or below another root; return the exit status."""
    parser = argparse.ArgumentParser(prog="train", description=__doc__)
    parser.add_argument("command", nargs="?", choices=["train"], help="what SageMaker appends; means nothing")
    parser.add_argument("--root", type=Path, help=f"instead of ${ROOT_VARIABLE} or /opt/ml")
    layout = layout_of(parser.parse_args(arguments).root)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    for variable, value in _COMPUTING.items():
        os.environ.setdefault(variable, value)
    device = ranks.own_device()
    if device is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = device
    stop_on_sigterm()
    try:
        if not ranks.is_started():
            _become_several(layout)
        run_job(layout)
    except JobStopped:
        _log.info("stopped by SIGTERM; the checkpoint holds what was done")
        return EXIT_STATUS
    except Exception as error:  # noqa: BLE001 - whatever happened, the model's user must be told in words
        # A SIGTERM to the whole process group may have broken the workers before it arrives here.
        if is_stopping(within_s=_GROUP_SIGNAL_S):
            return EXIT_STATUS
        _log.error("the job failed", exc_info=error)
        _write_failure(layout, reason_of(error))
        return 1
    return 0


def _become_several(layout: Layout) -> None:
    """Run on every GPU and host that the job has; return where one process is enough."""
    command = processes_wanted(layout)
    if command is not None:
        _log.info("working in several processes: %s", " ".join(command))
        os.execv(command[0], command)  # noqa: S606


def _write_failure(layout: Layout, reason: str) -> None:
    if ranks.size() > 1 and layout.failure.exists():
        return  # Another process has said why; that it has gone is all that this one knows.
    try:
        write_atomically(layout.failure, reason.encode())
    except OSError as error:
        _log.error("cannot write %s: %s; the reason was: %s", layout.failure, error, reason)


if __name__ == "__main__":
    sys.exit(main())
