"""What a training report says, in plain sentences and figures, whichever engine has written it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

_KEPT_BASE = "base"
_REASONS_NAMED = 4
_Figures = Mapping[str, Any]


def summary(report: _Figures) -> list[str]:
    """Return what was learned from, what was left out and why, what held-out audio said, what came of it.

    What the report lacks, or has in another form, is passed over: those of older versions are there.
    """
    sentences = [
        *_learned_from(report),
        *_left_out(report),
        *_rounds(report),
        *_held_out(report),
        *_ordinary_speech(report),
        *_chosen(report),
        *_cost(report),
    ]
    return [sentence[:1].upper() + sentence[1:] for sentence in sentences]


def outcome(report: _Figures) -> dict[str, Any]:
    """Return what is told of a training that has ended: the decision, its reason, and the gain in figures.

    `gain` has, of what the report has: `mean_posterior` before and after on held-out audio, and
    `ordinary_speech`, the share of words wrong on ordinary speech, 0…1, of the base and of what was chosen.
    """
    told: dict[str, Any] = {"decision": _text(report, "decision"), "reason": _text(report, "reason")}
    if (alpha := _number(report, "alpha")) is not None:
        told["alpha"] = alpha
    gain: dict[str, Any] = {}
    held_out = _part(report, "held_out")
    before, after = (_number(_part(held_out, side), "mean_posterior") for side in ("before", "after"))
    if before is not None and after is not None:
        gain["mean_posterior"] = {"before": before, "after": after}
    base, chosen = (_error_rate(_part(_part(report, "ordinary_speech"), side)) for side in ("base", "chosen"))
    if base is not None and chosen is not None:
        gain["ordinary_speech"] = {"base": round(base, 4), "chosen": round(chosen, 4)}
    return {**told, "gain": gain} if gain else told


def _learned_from(report: _Figures) -> Iterable[str]:
    audio_s, speech_s, used_s = (_number(report, name) for name in ("audio_s", "speech_s", "used_s"))
    if audio_s is not None:
        speech = "" if speech_s is None else f", {_duration(speech_s)} of it speech"
        yield f"the model was given {_duration(audio_s)} of audio{speech}."
    if used_s is not None:
        kept = _text(report, "decision") == _KEPT_BASE
        yield f"{'it tried to learn' if kept else 'it learned'} from {_duration(used_s)} of that."
    transcribed_s = _number(report, "transcribed_s")
    if transcribed_s:
        yield (
            f"for {_duration(transcribed_s)} of it the transcript was found in the texts of the custom "
            "language model that helped."
        )


def _left_out(report: _Figures) -> Iterable[str]:
    entries = [entry for entry in _list(report, "left_out") if isinstance(entry, Mapping)]
    if not entries:
        return
    seconds: Counter[str] = Counter()
    numbers: Counter[str] = Counter()
    for entry in entries:
        reason = _text(entry, "reason") or "no reason was noted"
        numbers[reason] += 1
        start_s, end_s = _number(entry, "start_s"), _number(entry, "end_s")
        if start_s is not None and end_s is not None:
            seconds[reason] += max(0.0, end_s - start_s)  # type: ignore[assignment]
    by_number = sorted(numbers, key=lambda reason: (-numbers[reason], reason))
    named = [
        f"{_count(numbers[reason], 'piece')}"
        + (f" ({_duration(seconds[reason])})" if seconds[reason] else "")
        + f": {reason.rstrip('.')}"
        for reason in by_number[:_REASONS_NAMED]
    ]
    more = sum(numbers[reason] for reason in by_number[_REASONS_NAMED:])
    rest = f"; {more} more for other reasons" if more else ""
    left_out = _count(len(entries), "piece")
    yield f"{left_out} of audio taught nothing and were left out: {'; '.join(named)}{rest}."


def _rounds(report: _Figures) -> Iterable[str]:
    for entry in _list(report, "rounds"):
        if not isinstance(entry, Mapping) or (number := _number(entry, "round")) is None:
            continue
        labels, kept, seconds = (_number(entry, name) for name in ("labels", "kept", "seconds"))
        if labels is not None and kept is not None:
            told = f"round {number:g}: {kept:.0f} of {_count(labels, 'utterance')} were heard surely enough"
            yield f"{told} to learn from{'' if seconds is None else f'; it took {_duration(seconds)}'}."
        elif (posterior := _number(entry, "mean_posterior")) is not None:
            used_s = _number(entry, "used_s")
            used = "" if used_s is None else f", and learned from {_duration(used_s)}"
            yield f"round {number:g} began with readings that were {_percent(posterior)} sure{used}."


def _held_out(report: _Figures) -> Iterable[str]:
    held_out = _part(report, "held_out")
    before, after = _part(held_out, "before"), _part(held_out, "after")
    utterances, audio_s = _number(held_out, "utterances"), _number(held_out, "audio_s")
    if utterances is not None and audio_s is not None:
        yield (
            f"it was judged by {_count(utterances, 'utterance')} ({_duration(audio_s)}) that it did not "
            "learn from."
        )
    sure = [_number(side, "mean_posterior") for side in (before, after)]
    words = [_number(side, "words") for side in (before, after)]
    if sure[0] is not None and sure[1] is not None:
        there = (
            f", in which they found {words[0]:.0f} and {words[1]:.0f} words"
            if words[0] is not None and words[1] is not None
            else ""
        )
        yield (
            f"on these the base model was {_percent(sure[0])} sure of its words and the trained one "
            f"{_percent(sure[1])}{there}."
        )


def _ordinary_speech(report: _Figures) -> Iterable[str]:
    ordinary = _part(report, "ordinary_speech")
    base, chosen = _error_rate(_part(ordinary, "base")), _error_rate(_part(ordinary, "chosen"))
    if base is None or chosen is None:
        return
    words = _number(_part(ordinary, "base"), "words")
    yield (
        f"on {_count(words or 0, 'word')} of ordinary speech, with known transcripts, the base model gets "
        f"{_percent(base, 1)} wrong and what was chosen {_percent(chosen, 1)}."
    )


def _chosen(report: _Figures) -> Iterable[str]:
    alpha, decision = _number(report, "alpha"), _text(report, "decision")
    refused = [
        (alpha_of, _text(entry, "reason"))
        for entry in _list(report, "candidates")
        if isinstance(entry, Mapping)
        and entry.get("accepted") is False
        and (alpha_of := _number(entry, "alpha")) is not None
    ]
    for alpha_of, reason in refused:
        why = (reason or "no reason was noted").rstrip(".")
        yield f"{_percent(alpha_of)} of what was learned was not good enough: {why}."
    reason = (_text(report, "reason") or "").rstrip(".")
    why = f": {reason}" if reason else ""
    if decision == _KEPT_BASE:
        yield f"the base model is kept, and the custom model recognises exactly as it does{why}."
    elif alpha is not None:
        share = "all" if alpha == 1 else _percent(alpha)
        yield f"{share} of what was learned is used (alpha {alpha:g}){why}."
    elif decision == "adapted":
        yield f"what was learned is used{why}."
    elif decision:
        yield f"what was learned up to the stage '{decision}' is used{why}."


def _cost(report: _Figures) -> Iterable[str]:
    training_s, cores, gpus = (_number(report, name) for name in ("training_s", "cores", "gpus"))
    if training_s is not None:
        machine = [
            _count(number, what)
            for number, what in ((gpus, "GPU"), (cores, "core"))
            if number is not None and number
        ]
        yield f"the training took {_duration(training_s)}{' on ' + ' and '.join(machine) if machine else ''}."
    usd = _number(_part(report, "cost"), "usd")
    if usd is not None:
        yield f"its machines cost {usd:.2f} USD."


def _error_rate(figures: _Figures) -> float | None:
    words, errors = _number(figures, "words"), _number(figures, "errors")
    return errors / words if words and errors is not None else None


def _part(report: _Figures, name: str) -> _Figures:
    value = report.get(name)
    return value if isinstance(value, Mapping) else {}


def _list(report: _Figures, name: str) -> list[Any]:
    value = report.get(name)
    return value if isinstance(value, list) else []


def _text(report: _Figures, name: str) -> str | None:
    value = report.get(name)
    return value if isinstance(value, str) and value else None


def _number(report: _Figures, name: str) -> float | None:
    value = report.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:  # JSON's whole numbers have no end
        return None
    return number if math.isfinite(number) else None


def _duration(seconds: float) -> str:
    """Return a duration as people say it: seconds below two minutes, hours from two hours on."""
    if seconds < 120:
        return _count(round(seconds), "second")
    if seconds < 7200:
        return f"{seconds / 60:.1f} minutes"
    return f"{seconds / 3600:.1f} hours"


def _percent(share: float, digits: int = 0) -> str:
    return f"{100 * share:.{digits}f} %"


def _count(number: float, what: str) -> str:
    return f"{number:.0f} {what}{'' if round(number) == 1 else 's'}"
