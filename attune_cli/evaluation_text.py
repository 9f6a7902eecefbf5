"""An evaluation in words: errors and their differences, or the sentences that changed."""

from __future__ import annotations

from typing import Any


def summary(evaluation: dict[str, Any], worst: int) -> str:
    """Return what an evaluation says; `worst`: how many utterances or sentences to show."""
    if evaluation["status"] != "completed":
        return f"It is {evaluation['status']}, {evaluation.get('progress', 0)} %."
    results = evaluation["results"]
    parts = [
        "\n".join(filter(None, (_errors(one, results.get("unit", "words")) for one in results["models"])))
    ]
    parts += ["\n".join(str(sentence) for sentence in results.get("words") or ())]
    parts += [_utterance(one, results["models"]) for one in (results.get("utterances") or ())[:worst]]
    parts += [_sentence(one) for one in (results.get("sentences") or ())[:worst]]
    parts += ["\n".join(str(limit) for limit in results.get("limits") or ())]
    return "\n\n".join(part for part in parts if part)


def _errors(model: dict[str, Any], unit: str) -> str:
    if "word_error_rate" not in model:
        return ""
    low, high = model["interval"]
    kinds = ", ".join(f"{model[kind]} {kind}" for kind in ("substitutions", "deletions", "insertions"))
    return (
        f"{model['label']}: {_percent(model['word_error_rate'])} of {model['words']:,} {unit} wrong "
        f"(95 %: {_percent(low)} to {_percent(high)}); {kinds}"
    )


def _utterance(utterance: dict[str, Any], models: list[dict[str, Any]]) -> str:
    start_s = utterance.get("start_s")
    lines = [f"{utterance['file']}{'' if start_s is None else f' at {start_s:.1f} s'}"]
    lines.append(f"  said: {utterance['reference']}")
    for model, heard in zip(models, utterance["models"], strict=False):
        marked = " ".join(_marked(run) for run in heard.get("marked") or ()) or heard["text"]
        lines.append(f"  {model['label']}, {heard['errors']} wrong: {marked}")
    return "\n".join(lines)


def _marked(run: dict[str, Any]) -> str:
    """Return a run of words as it was heard; what is wrong in brackets, with what was said."""
    match run["op"]:
        case "substituted":
            return f"[{run['reference']} -> {run['recognized']}]"
        case "deleted":
            return f"[{run['reference']} -> ]"
        case "inserted":
            return f"[ -> {run['recognized']}]"
        case _:
            return str(run.get("recognized") or run.get("reference") or "")


def _sentence(sentence: dict[str, Any]) -> str:
    where = " ".join(filter(None, (sentence["recording"], sentence.get("member"))))
    lines = [f"{where} at {float(sentence['start_s']):.1f} s"]
    for text, confidence in zip(sentence["texts"], sentence["confidences"], strict=False):
        sure = "      " if confidence is None else f"{100 * confidence:3.0f} % "
        lines.append(f"  {sure} {text}")
    return "\n".join(lines)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
