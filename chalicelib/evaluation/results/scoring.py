"""Results on a test set: how many words each model gets wrong, which, and whether models really differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chalicelib.evaluation import limits
from chalicelib.evaluation.hearing import HeardUtterance
from chalicelib.evaluation.recordings.listing import ListedUtterance
from chalicelib.evaluation.results import alignment, statistics
from chalicelib.evaluation.results.alignment import AlignmentStep
from chalicelib.evaluation.results.statistics import ErrorRateDifference
from chalicelib.evaluation.wording import Wording

_FEW_UTTERANCES = 30
_FEW_WORDS = 300


@dataclass(frozen=True)
class _Scored:
    """An utterance as one model heard it, beside what was said."""

    heard: HeardUtterance
    steps: Sequence[AlignmentStep]

    @property
    def errors(self) -> int:
        return sum(step.operation != "equal" for step in self.steps)

    @property
    def recognized(self) -> int:
        return sum(step.operation != "deleted" for step in self.steps)


def results(
    utterances: Sequence[ListedUtterance],
    labels: Sequence[str],
    heard: Sequence[Mapping[int, HeardUtterance]],
    wording: Wording,
) -> dict[str, Any]:
    """Return the results of an evaluation on a test set, as a client sees them.

    Args:
        utterances: of the set; those whose transcripts have no words in the models' wording do not count.
        labels: of the models.
        heard: what each model heard, by the number of the utterance.
        wording: what both sides are brought to.
    """
    references = {one.number: wording.words(one.text or "") for one in utterances}
    counted = [one for one in utterances if references[one.number]]
    words = [len(references[one.number]) for one in counted]
    scored = [
        [
            _Scored(
                said[one.number],
                alignment.aligned(references[one.number], wording.words(said[one.number].text)),
            )
            for one in counted
        ]
        for said in heard
    ]
    models = [_model(label, one, words) for label, one in zip(labels, scored, strict=True)]
    comparisons = [
        {"first": first, "second": second}
        | _comparison([labels[first], labels[second]], [scored[first], scored[second]], words, wording)
        for first in range(len(labels))
        for second in range(first + 1, len(labels))
    ]
    return {
        "unit": wording.unit,
        "normalisation": wording.said,
        "utterances_total": len(counted),
        "duration": round(sum(one.duration_s for one in counted), 1),
        "models": models,
        "comparisons": comparisons,
        "words": _in_words(models, comparisons, len(counted), sum(words), wording),
        "utterances": _worst(counted, references, scored, wording),
    }


def _model(label: str, scored: Sequence[_Scored], words: Sequence[int]) -> dict[str, Any]:
    operations = Counter(step.operation for one in scored for step in one.steps)
    errors, total = [one.errors for one in scored], sum(words)
    interval = statistics.rate_interval(errors, words)
    return {
        "label": label,
        "word_error_rate": round(sum(errors) / total, 5),
        "interval": [round(interval.low, 5), round(interval.high, 5)],
        "words": total,
        "errors": sum(errors),
        "substitutions": operations["substituted"],
        "deletions": operations["deleted"],
        "insertions": operations["inserted"],
        "confidence": _confidence(scored),
        "confusions": _confusions([step for one in scored for step in one.steps]),
    }


def _confidence(scored: Sequence[_Scored]) -> float | None:
    sure = [(one.recognized, one.heard.confidence) for one in scored if one.heard.confidence is not None]
    total = sum(count for count, _ in sure)
    return round(sum(count * value for count, value in sure) / total, 3) if total else None


def _confusions(steps: Sequence[AlignmentStep]) -> dict[str, list[dict[str, Any]]]:
    pairs = Counter((one.reference, one.recognized) for one in steps if one.operation == "substituted")
    lost = Counter(one.reference for one in steps if one.operation == "deleted")
    added = Counter(one.recognized for one in steps if one.operation == "inserted")
    return {
        "substitutions": [
            {"reference": pair[0], "recognized": pair[1], "count": count} for pair, count in _most(pairs)
        ],
        "deletions": [{"word": word, "count": count} for word, count in _most(lost)],
        "insertions": [{"word": word, "count": count} for word, count in _most(added)],
    }


def _most(counts: Counter[Any]) -> list[tuple[Any, int]]:
    """Return what is most frequent, of equals in the order of the alphabet."""
    return sorted(counts.items(), key=lambda one: (-one[1], one[0]))[: limits.CONFUSIONS]


def _comparison(
    labels: Sequence[str],
    scored: Sequence[Sequence[_Scored]],
    words: Sequence[int],
    wording: Wording,
) -> dict[str, Any]:
    """Return how the second of two models differs from the first."""
    first, second = ([one.errors for one in model] for model in scored)
    found = statistics.difference(first, second, words)
    rates = [sum(errors) / sum(words) for errors in (first, second)]
    return {
        "difference": round(found.rate, 5),
        "interval": [round(found.interval.low, 5), round(found.interval.high, 5)],
        "p_value": round(found.p_value, 4),
        "significant": found.significant,
        "words": _said(labels[0], labels[1], rates, found, wording),
    }


def _said(
    first: str, second: str, rates: Sequence[float], found: ErrorRateDifference, wording: Wording
) -> str:
    if not found.rate:
        return f"{second} makes exactly as many errors as {first}."
    fewer = "fewer" if found.rate < 0 else "more"
    relative = f" ({abs(found.rate) / rates[0]:.0%} {fewer} than before)" if rates[0] else ""
    begin = f"{second} gets {rates[1]:.1%} of the {wording.unit} wrong, {first} {rates[0]:.1%}{relative}."
    if found.significant:
        return f"{begin} Chance alone would hardly give such a difference ({_chance(found.p_value)})."
    return (
        f"{begin} That may be chance: it would give such a difference in {found.p_value:.0%} of the cases "
        "if both were equally good. A larger test set would tell."
    )


def _chance(p_value: float) -> str:
    return "in fewer than 1 of 1,000 cases" if p_value < 0.001 else f"in {p_value:.1%} of the cases"


def _in_words(
    models: Sequence[Mapping[str, Any]],
    comparisons: Sequence[Mapping[str, Any]],
    utterances: int,
    words: int,
    wording: Wording,
) -> list[str]:
    best = min(models, key=lambda model: float(model["word_error_rate"]))
    low, high = best["interval"]
    said = [
        f"{best['label']} gets {best['word_error_rate']:.1%} of {words:,} {wording.unit} wrong; with other "
        f"recordings of this kind it would be {low:.1%} to {high:.1%}."
    ]
    said += [str(one["words"]) for one in comparisons]
    if utterances < _FEW_UTTERANCES or words < _FEW_WORDS:
        said.append(
            f"The set is small ({utterances} utterances, {words:,} {wording.unit}): take the figures with "
            "care."
        )
    return said


def _worst(
    utterances: Sequence[ListedUtterance],
    references: Mapping[int, Sequence[str]],
    scored: Sequence[Sequence[_Scored]],
    wording: Wording,
) -> list[dict[str, Any]]:
    """Return the utterances with the most errors of any model first, as many as are shown."""
    order = sorted(
        range(len(utterances)), key=lambda place: (-max(one[place].errors for one in scored), place)
    )
    return [
        _shown(
            utterances[place], references[utterances[place].number], [one[place] for one in scored], wording
        )
        for place in order[: limits.SHOWN]
    ]


def _shown(
    utterance: ListedUtterance, reference: Sequence[str], scored: Sequence[_Scored], wording: Wording
) -> dict[str, Any]:
    shown: dict[str, Any] = {"number": utterance.number, "file": utterance.file}
    if utterance.start_s is not None:
        shown |= {"start_s": utterance.start_s, "end_s": utterance.end_s}
    return shown | {
        "content_type": utterance.content_type or "application/octet-stream",
        "reference": wording.joined(reference),
        "models": [
            {
                "text": one.heard.text,
                "errors": one.errors,
                "confidence": one.heard.confidence,
                "marked": [
                    {
                        "op": operation,
                        "reference": wording.joined(said),
                        "recognized": wording.joined(recognized),
                    }
                    for operation, said, recognized in alignment.runs(one.steps)
                ],
            }
            for one in scored
        ],
    }
