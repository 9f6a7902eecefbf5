"""A decoding process whose recogniser does what the samples say: for tests of the pool, not of an engine."""

from __future__ import annotations

import os
import signal
import sys
import time
from multiprocessing.connection import Connection
from pathlib import Path

from chalicelib.engines.errors import ModelUnreadable
from chalicelib.engines.protocol import Hypothesis, Samples, Word
from chalicelib.recognition.decoder_worker import serve, start

SAY, SLEEP, DIE, DIE_ONCE, RAISE = range(5)


class ScriptedRecognizer:
    """Samples are (deed, argument); a deed that is not `SAY` says "done" afterwards, if there is one."""

    sample_rate_hz = 16_000

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def recognize(self, samples: Samples, *, max_alternatives: int = 1) -> tuple[Hypothesis, ...]:
        deed, argument = int(samples[0]), float(samples[1])
        if deed == SAY:
            return self._say(f"{argument:g}", max_alternatives)
        if deed == SLEEP:
            time.sleep(argument)
        if deed == DIE or (deed == DIE_ONCE and self._first_time()):
            os.kill(os.getpid(), signal.SIGKILL)
        if deed == RAISE:
            raise ValueError("a flaw in the engine")
        return self._say("done", 1)

    def _first_time(self) -> bool:
        assert self._folder is not None
        marker = self._folder / "died"
        first = not marker.exists()
        marker.touch()
        return first

    @staticmethod
    def _say(text: str, times: int) -> tuple[Hypothesis, ...]:
        return (Hypothesis((Word(text, 0.0, 0.1, 1.0),), 1.0),) * times


def load(base_version: str, adapted_model: Path | None) -> ScriptedRecognizer:
    if base_version == "damaged":
        raise ModelUnreadable("the archive is damaged")
    return ScriptedRecognizer(adapted_model)


def main() -> int:
    if not start(parent=int(sys.argv[2])):
        return 1
    with Connection(int(sys.argv[1])) as connection:
        serve(connection, load)
    return 0


if __name__ == "__main__":
    sys.exit(main())
