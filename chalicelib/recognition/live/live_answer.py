"""The messages of a live request: one at the end, or with interim results one for each change."""

from __future__ import annotations

from typing import Any

from chalicelib.engines.protocol import Hypothesis
from chalicelib.recognition.audio import channels
from chalicelib.recognition.request.options import Options
from chalicelib.recognition.results import watson_results
from chalicelib.recognition.results.clock import WordClock


class LiveAnswer:
    """Makes messages: one at the end, or with interim results one for each change."""

    def __init__(self, options: Options, warnings: tuple[str, ...]) -> None:
        self._options = options
        self._warnings = warnings
        self._recognized: list[watson_results.RecognizedUtterance] = []
        self._clocks: dict[int | None, WordClock] = {}
        """Of each channel that is kept apart; None: of all that is heard."""
        self._index = 0
        """Of the utterance in hand."""
        self._interim_sent: set[int | None] = set()
        """Channels of which an interim result has the present index."""
        self._messages: list[dict[str, Any]] = []
        self._finals: list[watson_results.Result] = []
        """With interim results: those that were said, if speakers are to be told apart."""
        self._whole: dict[str, Any] | None = None
        """Without them: everything, once it is known."""
        self.ended = False
        """Everything was said."""

    @property
    def pending(self) -> bool:
        """There is something to take, or there will be."""
        return bool(self._messages) or not self.ended

    @property
    def untold(self) -> bool:
        """Something was recognised that no message has said yet."""
        return bool(self._messages) or any(
            hypothesis.words for utterance in self._recognized for hypothesis in utterance.decoded.hypotheses
        )

    def take(self) -> list[dict[str, Any]]:
        """Return the messages that can be sent by now."""
        messages, self._messages = self._messages, []
        return messages

    def interim(
        self, start_s: float, partial: Hypothesis, duration_s: float, channel: int | None = None
    ) -> None:
        """Take the best reading so far of the utterance in hand, of a channel if they are kept apart."""
        clock = self._clock(channel, duration_s)
        result = channels.marked(
            watson_results.assemble_interim(partial, start_s, clock, self._options), channel
        )
        self._interim_sent.add(channel)
        message = {"result_index": self._index, "results": [result]}
        outdated = self._outdated(channel)
        if outdated is None:
            self._add(message)
        else:
            told = {name: value for name, value in self._messages[outdated].items() if name == "warnings"}
            self._messages[outdated] = message | told

    def final(self, utterance: watson_results.RecognizedUtterance, duration_s: float) -> None:
        """Take the words of the utterance in hand; one without words leaves no trace."""
        if not self._options.interim_results:
            self._recognized.append(utterance)
            return
        channel = utterance.channel
        heard = utterance.decoded.hypotheses
        if heard and heard[0].words and channel not in self._interim_sent:
            self.interim(utterance.start_s, heard[0], duration_s, channel)
        for result in watson_results.assemble_final(
            utterance, self._clock(channel, duration_s), self._options
        ):
            self._add({"result_index": self._index, "results": [result]})
            self._index += 1
            self._interim_sent.clear()
            if self._options.speaker_labels:
                self._finals.append(result)

    def _clock(self, channel: int | None, duration_s: float) -> WordClock:
        clock = self._clocks.setdefault(channel, WordClock())
        clock.limit(duration_s)
        return clock

    def _outdated(self, channel: int | None) -> int | None:
        """Return which message nobody has taken yet of the same utterance; only the later one is news."""
        for place in reversed(range(len(self._messages))):
            (result,) = self._messages[place]["results"]
            if result["final"]:
                return None
            if result.get("channel") == channel:
                return place
        return None

    def conclude(self, duration_s: float) -> list[watson_results.Result]:
        """Take note that there are no more utterances; return all final results, for what is said of them."""
        if self._options.interim_results:
            return self._finals
        self._whole = watson_results.assemble(self._recognized, duration_s, self._options)
        found: list[watson_results.Result] = self._whole["results"]
        return found

    def end(self, observed: dict[str, Any], late_warnings: tuple[str, ...] = ()) -> None:
        """Add what is said of the audio as a whole to the last message."""
        self.ended = True
        if self._whole is not None:
            self._add(self._whole)
        elif self._warnings or ((observed or late_warnings) and not self._messages):
            self._add({"result_index": self._index, "results": []})
        if late_warnings:
            last = self._messages[-1]
            last["warnings"] = [*last.get("warnings", []), *late_warnings]
        if observed:
            self._messages[-1] |= observed

    def break_off(self) -> None:
        """Say what was recognised, if anything was, without what is said of the audio as a whole."""
        if self._whole is not None and self._whole["results"]:
            self._add(self._whole)

    def _add(self, message: dict[str, Any]) -> None:
        if self._warnings:
            message["warnings"] = list(self._warnings)
            self._warnings = ()
        self._messages.append(message)
