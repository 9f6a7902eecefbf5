"""A decoding process whose recogniser does what the samples say: for tests of the pool, not of an engine."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

from chalicelib.engines.errors import CustomizationUnsupported, ModelUnreadable
from chalicelib.engines.protocol import (
    DEFAULT_OPTIONS,
    CustomModels,
    DecodedUtterance,
    DecodingOptions,
    Hypothesis,
    Samples,
    UtteranceStream,
    Word,
)
from chalicelib.recognition.decoding import decoder_process

SAY, SLEEP, DIE, DIE_ONCE, RAISE, MEET, WHO = range(7)


class ScriptedRecognizer:
    """Samples are (deed, argument); a deed that is not `SAY` says "done" afterwards, if there is one."""

    sample_rate_hz = 16_000
    size_bytes = 1_000

    def __init__(self, custom: CustomModels) -> None:
        self._folder = custom.adapted_model

    def stream(self) -> UtteranceStream:
        raise NotImplementedError("nothing here tests streams")

    def recognize(self, samples: Samples, options: DecodingOptions = DEFAULT_OPTIONS) -> DecodedUtterance:
        deed, argument = int(samples[0]), float(samples[1])
        if deed == SAY:
            return self._say(f"{argument:g}", options.max_alternatives)
        if deed == WHO:
            return self._say(f"{os.getpid() % 100_000:g}", 1)
        if deed == SLEEP:
            time.sleep(argument)
        if deed == DIE or (deed == DIE_ONCE and self._first_time()):
            os.kill(os.getpid(), signal.SIGKILL)
        if deed == MEET:
            self._meet()
        if deed == RAISE:
            raise ValueError("a flaw in the engine")
        return self._say("done", 1)

    def _first_time(self) -> bool:
        assert self._folder is not None
        marker = self._folder / "died"
        first = not marker.exists()
        marker.touch()
        return first

    def _meet(self) -> None:
        """Wait until another process or thread has come here too."""
        assert self._folder is not None
        (self._folder / f"{os.getpid()} {threading.get_ident()}").touch()
        until = time.monotonic() + 120
        while len(list(self._folder.iterdir())) < 2 and time.monotonic() < until:
            time.sleep(0.01)

    @staticmethod
    def _say(text: str, times: int) -> DecodedUtterance:
        return DecodedUtterance((Hypothesis((Word(text, 0.0, 0.1, 1.0),), 1.0),) * times)


def load(base_version: str, custom: CustomModels) -> ScriptedRecognizer:
    if base_version == "damaged":
        raise ModelUnreadable("the archive is damaged")
    if custom.language_model is not None:
        raise CustomizationUnsupported("it takes no custom language models")
    return ScriptedRecognizer(custom)


if __name__ == "__main__":
    sys.exit(decoder_process.main(sys.argv[1:], load))
