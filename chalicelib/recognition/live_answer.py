"""The messages of a live request: one at the end, or with interim results one for each change."""

from __future__ import annotations

from typing import Any

from chalicelib.engines.protocol import Hypothesis
from chalicelib.recognition import results
from chalicelib.recognition.clock import Clock
from chalicelib.recognition.options import Options


class LiveAnswer:
    """Makes messages: one at the end, or with interim results one for each change."""

    def __init__(self, options: Options, warnings: tuple[str, ...]) -> None:
        self._options = options
        self._warnings = warnings
        self._recognized: list[results.RecognizedUtterance] = []
        self._clock = Clock()
        self._index = 0
        """Of the utterance in hand."""
        self._interim_sent = False
        self._messages: list[dict[str, Any]] = []
        self.ended = False
        """Everything was said."""

    @property
    def pending(self) -> bool:
        """There is something to take, or there will be."""
        return bool(self._messages) or not self.ended

    def take(self) -> list[dict[str, Any]]:
        """Return the messages that can be sent by now."""
        messages, self._messages = self._messages, []
        return messages

    def interim(self, start_s: float, partial: Hypothesis, duration_s: float) -> None:
        """Take the best reading so far of the utterance in hand."""
        self._clock.limit(duration_s)
        result = results.assemble_interim(partial, start_s, self._clock, self._options)
        message = {"result_index": self._index, "results": [result]}
        if self._messages and _is_interim(self._messages[-1]):
            # Of two that nobody has taken yet only the later one is news.
            message |= {name: value for name, value in self._messages.pop().items() if name == "warnings"}
        self._interim_sent = True
        self._add(message)

    def final(self, utterance: results.RecognizedUtterance, duration_s: float) -> None:
        """Take the words of the utterance in hand; one without words leaves no trace."""
        if not self._options.interim_results:
            self._recognized.append(utterance)
            return
        self._clock.limit(duration_s)
        heard = utterance.decoded.hypotheses
        if heard and heard[0].words and not self._interim_sent:
            self.interim(utterance.start_s, heard[0], duration_s)
        for result in results.assemble_final(utterance, self._clock, self._options):
            self._add({"result_index": self._index, "results": [result]})
            self._index += 1
            self._interim_sent = False

    def end(self, duration_s: float, audio_metrics: dict[str, Any] | None) -> None:
        """Take note that there are no more utterances."""
        self.ended = True
        if not self._options.interim_results:
            self._add(results.assemble(self._recognized, duration_s, self._options))
        elif self._warnings or (audio_metrics is not None and not self._messages):
            self._add({"result_index": self._index, "results": []})
        if audio_metrics is not None:
            self._messages[-1]["audio_metrics"] = audio_metrics

    def _add(self, message: dict[str, Any]) -> None:
        if self._warnings:
            message["warnings"] = list(self._warnings)
            self._warnings = ()
        self._messages.append(message)


def _is_interim(message: dict[str, Any]) -> bool:
    return any(not result["final"] for result in message["results"])
