"""What a training report says, in plain sentences and figures, whichever engine has written it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from chalicelib.customization.reports import report_figures as figures
from chalicelib.customization.reports.report_figures import Figures

_REASONS_NAMED = 4


def summary(report: Figures) -> list[str]:
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


def outcome(report: Figures) -> dict[str, Any]:
    """Return what is told of a training that has ended: the decision, its reason, and the gain in figures.

    `gain` has, of what the report has: `mean_posterior` before and after on held-out audio, and
    `ordinary_speech`, the share of words wrong on ordinary speech, 0…1, of the base and of what was chosen.
    """
    told: dict[str, Any] = {
        "decision": figures.text(report, "decision"),
        "reason": figures.text(report, "reason"),
    }
    if (alpha := figures.number(report, "alpha")) is not None:
        told["alpha"] = alpha
    gain: dict[str, Any] = {}
    held_out = figures.part(report, "held_out")
    before, after = (
        figures.number(figures.part(held_out, side), "mean_posterior") for side in ("before", "after")
    )
    if before is not None and after is not None:
        gain["mean_posterior"] = {"before": before, "after": after}
    base, chosen = (
        figures.error_rate(figures.part(figures.part(report, "ordinary_speech"), side))
        for side in ("base", "chosen")
    )
    if base is not None and chosen is not None:
        gain["ordinary_speech"] = {"base": round(base, 4), "chosen": round(chosen, 4)}
    return {**told, "gain": gain} if gain else told


def _learned_from(report: Figures) -> Iterable[str]:
    audio_s, speech_s, used_s = (figures.number(report, name) for name in ("audio_s", "speech_s", "used_s"))
    if audio_s is not None:
        speech = "" if speech_s is None else f", {figures.duration(speech_s)} of it speech"
        yield f"the model was given {figures.duration(audio_s)} of audio{speech}."
    if used_s is not None:
        kept = figures.text(report, "decision") == figures.KEPT_BASE
        yield f"{'it tried to learn' if kept else 'it learned'} from {figures.duration(used_s)} of that."
    transcribed_s = figures.number(report, "transcribed_s")
    if transcribed_s:
        yield (
            f"for {figures.duration(transcribed_s)} of it the transcript was found in the texts of the "
            "custom language model that helped."
        )


def _left_out(report: Figures) -> Iterable[str]:
    entries = [entry for entry in figures.entries(report, "left_out") if isinstance(entry, Mapping)]
    if not entries:
        return
    seconds: Counter[str] = Counter()
    numbers: Counter[str] = Counter()
    for entry in entries:
        reason = figures.text(entry, "reason") or "no reason was noted"
        numbers[reason] += 1
        start_s, end_s = figures.number(entry, "start_s"), figures.number(entry, "end_s")
        if start_s is not None and end_s is not None:
            seconds[reason] += max(0.0, end_s - start_s)  # type: ignore[assignment]
    by_number = sorted(numbers, key=lambda reason: (-numbers[reason], reason))
    named = [
        f"{figures.count(numbers[reason], 'piece')}"
        + (f" ({figures.duration(seconds[reason])})" if seconds[reason] else "")
        + f": {reason.rstrip('.')}"
        for reason in by_number[:_REASONS_NAMED]
    ]
    more = sum(numbers[reason] for reason in by_number[_REASONS_NAMED:])
    rest = f"; {more} more for other reasons" if more else ""
    left_out = figures.count(len(entries), "piece")
    yield f"{left_out} of audio taught nothing and were left out: {'; '.join(named)}{rest}."


def _rounds(report: Figures) -> Iterable[str]:
    for entry in figures.entries(report, "rounds"):
        if not isinstance(entry, Mapping) or (number := figures.number(entry, "round")) is None:
            continue
        labels, kept, seconds = (figures.number(entry, name) for name in ("labels", "kept", "seconds"))
        if labels is not None and kept is not None:
            heard = f"{kept:.0f} of {figures.count(labels, 'utterance')} were heard surely enough"
            took = "" if seconds is None else f"; it took {figures.duration(seconds)}"
            yield f"round {number:g}: {heard} to learn from{took}."
        elif (posterior := figures.number(entry, "mean_posterior")) is not None:
            used_s = figures.number(entry, "used_s")
            used = "" if used_s is None else f", and learned from {figures.duration(used_s)}"
            yield f"round {number:g} began with readings that were {figures.percent(posterior)} sure{used}."


def _held_out(report: Figures) -> Iterable[str]:
    held_out = figures.part(report, "held_out")
    before, after = figures.part(held_out, "before"), figures.part(held_out, "after")
    utterances, audio_s = figures.number(held_out, "utterances"), figures.number(held_out, "audio_s")
    if utterances is not None and audio_s is not None:
        yield (
            f"it was judged by {figures.count(utterances, 'utterance')} ({figures.duration(audio_s)}) that "
            "it did not learn from."
        )
    sure = [figures.number(side, "mean_posterior") for side in (before, after)]
    words = [figures.number(side, "words") for side in (before, after)]
    if sure[0] is not None and sure[1] is not None:
        there = (
            f", in which they found {words[0]:.0f} and {words[1]:.0f} words"
            if words[0] is not None and words[1] is not None
            else ""
        )
        yield (
            f"on these the base model was {figures.percent(sure[0])} sure of its words and the trained one "
            f"{figures.percent(sure[1])}{there}."
        )


def _ordinary_speech(report: Figures) -> Iterable[str]:
    ordinary = figures.part(report, "ordinary_speech")
    base, chosen = (
        figures.error_rate(figures.part(ordinary, "base")),
        figures.error_rate(figures.part(ordinary, "chosen")),
    )
    if base is None or chosen is None:
        return
    words = figures.number(figures.part(ordinary, "base"), "words")
    yield (
        f"on {figures.count(words or 0, 'word')} of ordinary speech, with known transcripts, the base model "
        f"gets {figures.percent(base, 1)} wrong and what was chosen {figures.percent(chosen, 1)}."
    )


def _chosen(report: Figures) -> Iterable[str]:
    alpha, decision = figures.number(report, "alpha"), figures.text(report, "decision")
    refused = [
        (alpha_of, figures.text(entry, "reason"))
        for entry in figures.entries(report, "candidates")
        if isinstance(entry, Mapping)
        and entry.get("accepted") is False
        and (alpha_of := figures.number(entry, "alpha")) is not None
    ]
    for alpha_of, reason in refused:
        why = (reason or "no reason was noted").rstrip(".")
        yield f"{figures.percent(alpha_of)} of what was learned was not good enough: {why}."
    reason = (figures.text(report, "reason") or "").rstrip(".")
    why = f": {reason}" if reason else ""
    if decision == figures.KEPT_BASE:
        yield f"the base model is kept, and the custom model recognises exactly as it does{why}."
    elif alpha is not None:
        share = "all" if alpha == 1 else figures.percent(alpha)
        yield f"{share} of what was learned is used (alpha {alpha:g}){why}."
    elif decision == "adapted":
        yield f"what was learned is used{why}."
    elif decision:
        yield f"what was learned up to the stage '{decision}' is used{why}."


def _cost(report: Figures) -> Iterable[str]:
    training_s, cores, gpus = (figures.number(report, name) for name in ("training_s", "cores", "gpus"))
    if training_s is not None:
        machine = [
            figures.count(number, what)
            for number, what in ((gpus, "GPU"), (cores, "core"))
            if number is not None and number
        ]
        used = f" on {' and '.join(machine)}" if machine else ""
        yield f"the training took {figures.duration(training_s)}{used}."
    usd = figures.number(figures.part(report, "cost"), "usd")
    if usd is not None:
        yield f"its machines cost {usd:.2f} USD."
