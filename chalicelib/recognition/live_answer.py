"""The messages of a live request: one at the end, or with interim results one for each change."""

from __future__ import annotations

from typing import Any

from chalicelib.engines.protocol import DecodedUtterance, Hypothesis
from chalicelib.recognition import results
from chalicelib.recognition.options import Options


class LiveAnswer:
    """Makes messages: one at the end, or with interim results one for each change."""

    def __init__(self, options: Options, warnings: tuple[str, ...]) -> None:
        self._options = options
        self._warnings = warnings
        self._recognized: list[results.RecognizedUtterance] = []
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
        message = _one(self._index, start_s, DecodedUtterance((partial,)), duration_s, self._options)
        for result in message["results"]:
            result["final"] = False
            for name in ("confidence", "word_confidence"):
                result["alternatives"][0].pop(name, None)
        self._interim_sent = True
        if self._messages and _is_interim(self._messages[-1]):
            # Of two that nobody has taken yet only the later one is news.
            message |= {name: value for name, value in self._messages.pop().items() if name == "warnings"}
        self._add(message)

    def final(self, start_s: float, decoded: DecodedUtterance, duration_s: float) -> None:
        """Take the words of the utterance in hand; one without words leaves no trace."""
        if not decoded.hypotheses or not decoded.hypotheses[0].words:
            return
        if not self._options.interim_results:
            self._recognized.append(results.RecognizedUtterance(start_s, decoded))
            return
        if not self._interim_sent:
            self.interim(start_s, decoded.hypotheses[0], duration_s)
        self._add(_one(self._index, start_s, decoded, duration_s, self._options))
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


def _one(
    index: int, start_s: float, decoded: DecodedUtterance, duration_s: float, options: Options
) -> dict[str, Any]:
    message = results.assemble([results.RecognizedUtterance(start_s, decoded)], duration_s, options)
    return message | {"result_index": index}
