"""What two reports differ in, in figures and in words."""

from __future__ import annotations

import json
from typing import Any

from chalicelib.customization.reports.report_difference import difference
from tests.customization.reports.test_report_summary import KEPT, LIGHT, NETWORK


def figures(answer: dict[str, Any]) -> dict[str, tuple[Any, ...]]:
    return {
        entry["name"]: (entry["from"], entry["to"], entry.get("difference")) for entry in answer["figures"]
    }


def test_a_report_does_not_differ_from_itself() -> None:
    answer = difference((1, NETWORK), (2, NETWORK))
    assert (answer["from"], answer["to"]) == (1, 2)
    assert answer["words"] == ["Their reports differ in nothing that is compared."]
    assert all(old == new for old, new, _ in figures(answer).values())


def test_more_audio_and_a_better_result() -> None:
    later = NETWORK | {
        "audio_s": 1200.0,
        "alpha": 1.0,
        "held_out": NETWORK["held_out"] | {"utterances": 24, "after": {"mean_posterior": 0.7}},
        "ordinary_speech": {"chosen": {"words": 400, "errors": 20}},
        "left_out": LIGHT["left_out"],
    }
    answer = difference((1, NETWORK), (3, later))
    found = figures(answer)
    assert found["audio_s"] == (870.0, 1200.0, 330.0)
    assert found["alpha"] == (0.75, 1.0, 0.25)
    assert found["sure_after"] == (0.62, 0.7, 0.08)
    assert found["ordinary_speech_wrong"] == (0.045, 0.05, 0.005)
    assert found["decision"] == ("adapted", "adapted", None)
    assert answer["words"] == [
        "Version 3 was given 20.0 minutes of audio, version 1 14.5 minutes.",
        "Version 3 left out 3 pieces of audio, version 1 0 pieces.",
        "Version 3 uses 100 % of what it learned, version 1 75 %.",
        "Version 3 was judged by 24 utterances that it did not learn from, version 1 20 utterances.",
        "Version 3 is 70.0 % sure of that audio itself, version 1 62.0 %.",
        "Version 3 gets 5.0 % of ordinary speech wrong, version 1 4.5 %.",
        "How sure the two are cannot be compared directly: they were not judged by the same audio.",
    ]


def test_two_engines_and_what_one_report_does_not_say() -> None:
    answer = difference((2, LIGHT), (1, KEPT))
    found = figures(answer)
    assert found["decision"] == ("transform", "base", None)
    assert found["alpha"] == (None, 0.0, None)
    assert (
        "Version 1 uses 0 % of what it learned; the report of version 2 does not say it." in answer["words"]
    )
    assert "Version 1 ended with the decision 'base', version 2 'transform'." in answer["words"]
    assert "How sure" not in " ".join(answer["words"]), "it was the same audio"
    reverse = difference((1, KEPT), (2, LIGHT))
    assert (
        "Version 1 uses 0 % of what it learned; the report of version 2 does not say it." in reverse["words"]
    )
    json.dumps(answer, allow_nan=False)


def test_reports_without_anything() -> None:
    answer = difference((1, {}), (2, {"held_out": [], "cost": None, "left_out": 3}))
    assert answer["words"] == ["Their reports differ in nothing that is compared."]
    assert figures(answer) == {"left_out": (0.0, 0.0, 0.0)}
