"""The training program in processes that begin with PyTorch loaded: to load it takes longer than most of what they do."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Mapping, Sequence
from multiprocessing import forkserver
from pathlib import Path

import pytest

COMPUTING = {"OMP_WAIT_POLICY": "passive"}
"""What libraries read when they are loaded, which the server of the forks does for all of them."""
_LOADED = ["training_image.train", "training_image.whisper.adaptation"]
_forking = multiprocessing.get_context("forkserver")


class Forked:
    """The program, started; what is asked of it is asked as of `subprocess.Popen`."""

    def __init__(
        self, arguments: Sequence[str], environment: Mapping[str, str], folder: Path, log: Path
    ) -> None:
        _forking.set_forkserver_preload(_LOADED)
        with pytest.MonkeyPatch.context() as beginning:
            for variable, value in COMPUTING.items():
                beginning.setenv(variable, value)
            forkserver.ensure_running()
        self._process = _forking.Process(target=_run, args=(arguments, dict(environment), folder, log))
        self._process.start()

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout_s: float) -> int:
        """Return the exit status; negative: the signal that ended it.

        Raises:
            TimeoutError: it still runs.
        """
        self._process.join(timeout_s)
        if self._process.exitcode is None:
            raise TimeoutError(f"the program still runs after {timeout_s} s")
        return self._process.exitcode

    def kill(self) -> None:
        self._process.kill()

    def terminate(self) -> None:
        self._process.terminate()

    def __enter__(self) -> Forked:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.join()
        self._process.close()


def _run(arguments: Sequence[str], environment: dict[str, str], folder: Path, log: Path) -> None:
    """Be the program, with the environment, folder and output that it would have been started with."""
    from training_image import train

    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    with log.open("ab") as output:
        for stream in (1, 2):
            os.dup2(output.fileno(), stream)
    sys.exit(train.main(arguments))
