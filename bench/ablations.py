"""What each choice of the network's adaptation is worth: one at a time made otherwise, on development speech.

The whole change is measured, before the guard takes a share of it, with the interval of its difference to that of the
defaults over utterances; beside it stands what it does to the ordinary speech that the guard hears.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.adaptation import Measurements, Wanted, run
from bench.conditions import CONDITIONS
from bench.figures import keep, kept, measured_here
from bench.recordings import RecordingsUnavailable
from infra.local.demo.prompts import PromptsUnavailable
from infra.local.demo.scoring import paired_difference
from training_image.whisper.course import OVERRIDES_VARIABLE, course

DEFAULTS = "defaults"
ABLATIONS: dict[str, dict[str, Any]] = {
    DEFAULTS: {},
    "two rounds": {"rounds": 2},
    "three rounds": {"rounds": 3},
    "all readings": {"kept_share": 1.0},
    "the surest half": {"kept_share": 0.5},
    "no quota for a recording": {"kept_of_recording": 0.0},
    "one epoch": {"epochs": 1.0},
    "five epochs": {"epochs": 5.0},
    "rank 4": {"rank": 4},
    "rank 32": {"rank": 32},
    "half the rate": {"rate": 2.5e-4},
    "twice the rate": {"rate": 1e-3},
    "no mean of the weights": {"mean_decay": 0.0},
    "batches of 40 s": {"batch_s": 40.0},
    "the encoder alone": {"decoder": 0},
    "no masks": {"masked_bands": 0},
    "noise": {"noise_share": 0.3},
    "telephone": {"telephone_share": 0.3},
    "rooms": {"room_share": 0.3},
    "another loudness": {"gain_db": 6.0},
    "no replay": {"replay_share": 0.0},
    "twice the replay": {"replay_share": 0.3},
    "no silence": {"silence_share": 0.0},
    "twice the silence": {"silence_share": 0.24},
    "another seed": {"seed": 2},
    "a third seed": {"seed": 3},
}
SPEECH = ("an4-noise-5", "prompts")
"""Many speakers in noise, and one voice on a clean line."""
_WHOLE = "1"
"""Key of the whole change among the shares that were measured."""


def measured(
    name: str, overrides: Mapping[str, Any], wanted: Wanted, measurements: Measurements
) -> dict[str, Any]:
    """Adapt to one kind of speech with some choices made otherwise."""
    wanted = replace(wanted, alphas=(float(_WHOLE),))
    return run(name, wanted, measurements, {OVERRIDES_VARIABLE: json.dumps(overrides)} if overrides else None)


def table(figures: Mapping[str, Mapping[str, Any]]) -> str:
    """Return word error rates of all choices, in Markdown.

    Args:
        figures: by the choice's name, then by the condition's.
    """
    names = [name for name in CONDITIONS if any(name in found for found in figures.values())]
    rows = [f"| | {' | '.join(names)} | training ÷ audio |", f"|---|{'---|' * len(names)}---|"]
    if DEFAULTS in figures:
        untrained = [
            figures[DEFAULTS][name]["base"]["shown"] if name in figures[DEFAULTS] else "–" for name in names
        ]
        rows.append(f"| untrained | {' | '.join(untrained)} | – |")
    for choice, found in figures.items():
        cells = [
            _cell(found[name], figures.get(DEFAULTS, {}).get(name)) if name in found else "–"
            for name in names
        ]
        ratios = [one["training_ratio"] for one in found.values()]
        rows.append(f"| {choice} | {' | '.join(cells)} | {sum(ratios) / len(ratios):.2f} |")
    return "\n".join(rows)


def _cell(found: Mapping[str, Any], defaults: Mapping[str, Any] | None) -> str:
    whole = _whole(found)
    shown = f"{100 * whole['rate']:.1f} %"
    if defaults is not None and found is not defaults:
        difference = paired_difference(
            found["references"], _whole(defaults)["hypotheses"], whole["hypotheses"]
        )
        shown += (
            f" {100 * difference.rate:+.1f} ({100 * difference.low:+.1f} to {100 * difference.high:+.1f})"
        )
    candidates = found["candidates"] or ()
    ordinary = candidates[0]["hearing"]["ordinary"] if candidates else None
    return f"{shown}; ordinary {ordinary['errors']}; α {found['alpha']:g}" if ordinary else shown


def _whole(found: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what the whole change hears; where nothing was learned, what the base does."""
    whole: Mapping[str, Any] = found.get("alphas", {}).get(_WHOLE, found["base"])
    return whole


def main(argv: Sequence[str]) -> int:
    """Measure; print a table and write `.attune/bench/ablations.json`."""
    parser = argparse.ArgumentParser(prog="python -m bench ablations", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=sorted(ABLATIONS), default=list(ABLATIONS))
    parser.add_argument("--speech", nargs="+", choices=sorted(CONDITIONS), default=list(SPEECH))
    parser.add_argument("--set", metavar="JSON", help="one choice more, such as '{\"rank\": 8}'")
    parser.add_argument("--python", default=sys.executable, help="with the packages that training needs")
    parser.add_argument("--logs", type=Path, help="folder for the programs' logs and reports")
    chosen = parser.parse_args(argv)
    choices = {name: ABLATIONS[name] for name in chosen.only}
    if chosen.set:
        choices[chosen.set] = json.loads(chosen.set)
    for overrides in choices.values():
        course({OVERRIDES_VARIABLE: json.dumps(overrides)})  # refuses what the program does not know
    figures, measurements = kept("ablations"), Measurements()
    for name in chosen.speech:
        for choice, overrides in choices.items():
            logs = chosen.logs / choice.replace(" ", "-") if chosen.logs else None
            try:
                found = measured(
                    name, overrides, Wanted(development=True, python=chosen.python, logs=logs), measurements
                )
            except (RecordingsUnavailable, PromptsUnavailable) as reason:
                print(f"{name:18} left out: {reason}", flush=True)
                break
            figures.setdefault(choice, {})[name] = found | measured_here()
            print(f"{name:18} {choice:26} {_cell(found, None)}  {found['reason']}", flush=True)
            keep("ablations", figures)
    print(f"\n{table(figures)}")
    return 0
