"""How the training reports of two versions differ, in figures and in plain words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chalicelib.customization.reports import report_figures as figures
from chalicelib.customization.reports.report_figures import Figures
from chalicelib.customization.reports.training_result import TrainingResult

Value = float | str | None


@dataclass(frozen=True)
class _Compared:
    """One figure of a report, and how it is said."""

    name: str
    read: Callable[[Figures], Value]
    said: str
    """What follows "Version 3": `{}` stands for the value."""
    value: Callable[[Any], str] = str


def _number(*path: str) -> Callable[[Figures], Value]:
    def read(report: Figures) -> Value:
        for name in path[:-1]:
            report = figures.part(report, name)
        return figures.number(report, path[-1])

    return read


def _result(name: str) -> Callable[[Figures], Value]:
    def read(report: Figures) -> Value:
        value: Value = getattr(TrainingResult.of_report(report), name)
        return value

    return read


def _ordinary_wrong(report: Figures) -> Value:
    rate = figures.error_rate(figures.part(figures.part(report, "ordinary_speech"), "chosen"))
    return None if rate is None else round(rate, 4)


def _share(value: float) -> str:
    return figures.percent(value, 1)


def _pieces(number: float) -> str:
    return figures.count(number, "piece")


def _utterances(number: float) -> str:
    return figures.count(number, "utterance")


_COMPARED = (
    _Compared("base_version", lambda report: figures.text(report, "base_version"), "was trained on {}"),
    _Compared("audio_s", _number("audio_s"), "was given {} of audio", figures.duration),
    _Compared("speech_s", _number("speech_s"), "was given {} of speech", figures.duration),
    _Compared("used_s", _number("used_s"), "learned from {} of audio", figures.duration),
    _Compared("transcribed_s", _number("transcribed_s"), "found transcripts for {}", figures.duration),
    _Compared(
        "left_out",
        lambda report: float(len(figures.entries(report, "left_out"))),
        "left out {} of audio",
        _pieces,
    ),
    _Compared("decision", _result("decision"), "ended with the decision {}", "'{}'".format),
    _Compared("alpha", _result("alpha"), "uses {} of what it learned", figures.percent),
    _Compared(
        "held_out_utterances",
        _result("utterances"),
        "was judged by {} that it did not learn from",
        _utterances,
    ),
    _Compared("sure_before", _result("sure_before"), "found the base model {} sure of that audio", _share),
    _Compared("sure_after", _result("sure_after"), "is {} sure of that audio itself", _share),
    _Compared("changed", _result("changed"), "hears {} of it otherwise than the base model", _utterances),
    _Compared("ordinary_speech_wrong", _ordinary_wrong, "gets {} of ordinary speech wrong", _share),
    _Compared("training_s", _number("training_s"), "was trained for {}", figures.duration),
    _Compared("usd", _number("cost", "usd"), "cost {} USD", "{:.2f}".format),
)
_OTHER_AUDIO = "How sure the two are cannot be compared directly: they were not judged by the same audio."


def difference(before: tuple[int, Figures], after: tuple[int, Figures]) -> dict[str, Any]:
    """Return what two reports differ in.

    Args:
        before: number of a version, and its report.
        after: the same of the version that is compared with it.

    Returns:
        `from` and `to`, the numbers. `figures` of both, those that at least one of them has: seconds (`_s`),
        shares 0…1, numbers of pieces or utterances, texts; with the `difference` of numbers. `words`: a
        sentence for each figure that differs.
    """
    shown, words = [], []
    for compared in _COMPARED:
        old, new = compared.read(before[1]), compared.read(after[1])
        if old is None and new is None:
            continue
        entry: dict[str, Any] = {"name": compared.name, "from": old, "to": new}
        if isinstance(old, float | int) and isinstance(new, float | int):
            entry["difference"] = round(new - old, 4)
        shown.append(entry)
        if old != new:
            words.append(_sentence(compared, (before[0], old), (after[0], new)))
    audio = [
        (entry["from"], entry["to"]) for entry in shown if entry["name"] in ("audio_s", "held_out_utterances")
    ]
    if any(old != new for old, new in audio):
        words.append(_OTHER_AUDIO)
    return {
        "from": before[0],
        "to": after[0],
        "figures": shown,
        "words": words or ["Their reports differ in nothing that is compared."],
    }


def _sentence(compared: _Compared, old: tuple[int, Value], new: tuple[int, Value]) -> str:
    said = [
        f"version {number} {compared.said.format(_value(compared, value))}" for number, value in (new, old)
    ]
    if new[1] is None or old[1] is None:
        known = said[0] if old[1] is None else said[1]
        missing = old[0] if old[1] is None else new[0]
        return f"{known[:1].upper()}{known[1:]}; the report of version {missing} does not say it."
    return f"{said[0][:1].upper()}{said[0][1:]}, version {old[0]} {_value(compared, old[1])}."


def _value(compared: _Compared, value: Value) -> str:
    return "" if value is None else compared.value(value)
