"""Results without transcripts: the sentences that two models recognise differently, and how sure each is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib.evaluation import limits
from chalicelib.evaluation.hearing import HeardUtterance
from chalicelib.evaluation.recordings.listing import ListedUtterance
from chalicelib.evaluation.results import alignment
from chalicelib.evaluation.results.alignment import AlignmentStep
from chalicelib.evaluation.wording import Wording

LIMITS = (
    "Without transcripts nobody knows which reading is right. That a sentence changed does not say that it "
    "became better.",
    "Confidence is what a model thinks of itself. One that has learned its own mistakes is surer of them.",
    "Listen to the sentences that changed most; ten minutes of it tell more than any figure here. To measure "
    "errors, make a test set with transcripts.",
)
"""What these figures do not show."""

_OF_REPORT = ("decision", "reason", "alpha", "held_out", "ordinary_speech")


def results(
    sentences: Sequence[ListedUtterance],
    labels: Sequence[str],
    heard: Sequence[Mapping[int, HeardUtterance]],
    wording: Wording,
    *,
    report: Mapping[str, Any] | None,
    findings: Sequence[str] = (),
) -> dict[str, Any]:
    """Return the results of a comparison, as a client sees them.

    Args:
        sentences: what was compared.
        labels: of both models.
        heard: what each heard, by the number of the sentence.
        wording: what both texts are brought to.
        report: of the custom model's training, for what its guard has found; None: there is none.
        findings: what was left out, for the user to read.
    """
    first, second = heard
    marked = {
        one.number: alignment.aligned(
            wording.words(first[one.number].text), wording.words(second[one.number].text)
        )
        for one in sentences
    }
    changed = [one for one in sentences if _changes(marked[one.number])]
    changed.sort(key=lambda one: (-_changes(marked[one.number]), one.number))
    recordings = {(one.file, one.member) for one in sentences}
    changed_recordings = {(one.file, one.member) for one in changed}
    models = [_model(label, said, wording, sentences) for label, said in zip(labels, heard, strict=True)]
    found: dict[str, Any] = {
        "unit": wording.unit,
        "normalisation": wording.said,
        "recordings": len(recordings),
        "recordings_changed": len(changed_recordings),
        "sentences_total": len(sentences),
        "changed": len(changed),
        "words_changed": sum(map(_changes, marked.values())),
        "agreement": _agreement(list(marked.values())),
        "duration": round(sum(one.duration_s for one in sentences), 1),
        "models": models,
    }
    return {
        **found,
        "words": [*_in_words(found, report), *findings],
        "limits": list(LIMITS),
        "guard": None if report is None else {name: report.get(name) for name in _OF_REPORT},
        "sentences": [
            _shown(one, [first[one.number], second[one.number]], marked[one.number], wording)
            for one in changed[: limits.SHOWN]
        ],
    }


def _changes(steps: Sequence[AlignmentStep]) -> int:
    return sum(step.operation != "equal" for step in steps)


def _agreement(marked: Sequence[Sequence[AlignmentStep]]) -> float | None:
    """Return the share of the words, 0…1, that both hear alike; None: neither hears any."""
    words = sum(map(len, marked))
    return round(1 - sum(map(_changes, marked)) / words, 4) if words else None


def _model(
    label: str, heard: Mapping[int, HeardUtterance], wording: Wording, sentences: Sequence[ListedUtterance]
) -> dict[str, Any]:
    counts = [(len(wording.words(heard[one.number].text)), heard[one.number].confidence) for one in sentences]
    sure = [(count, confidence) for count, confidence in counts if count and confidence is not None]
    total = sum(count for count, _ in sure)
    return {
        "label": label,
        "words": sum(count for count, _ in counts),
        "confidence": round(sum(count * value for count, value in sure) / total, 3) if total else None,
    }


def _in_words(found: Mapping[str, Any], report: Mapping[str, Any] | None) -> list[str]:
    said = []
    if report is not None and report.get("decision") == "base":
        said.append("The training kept the base: the custom model recognises exactly as it does.")
    said.append(
        f"{found['changed']:,} of {found['sentences_total']:,} sentences changed, in "
        f"{found['recordings_changed']:,} of {found['recordings']:,} recordings: "
        f"{_counted(found['words_changed'], found['unit'])} in all."
    )
    if found["agreement"] is not None:
        said.append(f"Both agree on {found['agreement']:.1%} of the {found['unit']}.")
    before, after = (model["confidence"] for model in found["models"])
    if before is not None and after is not None:
        surer = "surer" if after > before else "less sure" if after < before else "as sure as before"
        said.append(f"The second model is {surer}: mean confidence from {before:.2f} to {after:.2f}.")
    return said


def _counted(number: int, unit: str) -> str:
    return f"{number:,} {unit.removesuffix('s') if number == 1 else unit}"


def _shown(
    sentence: ListedUtterance,
    heard: Sequence[HeardUtterance],
    steps: Sequence[AlignmentStep],
    wording: Wording,
) -> dict[str, Any]:
    shown: dict[str, Any] = {"number": sentence.number, "recording": sentence.file}
    if sentence.member is not None:
        shown["member"] = sentence.member
    return shown | {
        "start_s": round(sentence.start_s or 0.0, 2),
        "end_s": round(sentence.end_s or 0.0, 2),
        "texts": [one.text for one in heard],
        "confidences": [one.confidence for one in heard],
        "changed_words": _changes(steps),
        "marked": _marked(steps, wording),
    }


def _marked(steps: Sequence[AlignmentStep], wording: Wording) -> list[dict[str, str]]:
    """Return stretches in which both agree or do not, in turns."""
    stretches: list[tuple[bool, list[str], list[str]]] = []
    for operation, first, second in alignment.runs(steps):
        equal = operation == "equal"
        if stretches and stretches[-1][0] == equal:
            stretches[-1][1].extend(first)
            stretches[-1][2].extend(second)
        else:
            stretches.append((equal, [*first], [*second]))
    return [
        {
            "op": "equal" if equal else "changed",
            "first": wording.joined(first),
            "second": wording.joined(second),
        }
        for equal, first, second in stretches
    ]
