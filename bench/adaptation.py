"""What the network learns from raw audio, and what its guard keeps: the training container's program, on held-out speech.

Beside the untrained base and the model that the program chose stand every share of what was learned (α), the best of
them, and the bound: what true transcripts of the same audio teach.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from bench.conditions import CONDITIONS
from bench.figures import keep, kept, measured_here
from bench.recordings import Recording, RecordingsUnavailable, samples_at
from bench.training_job import AUDIO_NAME, REFUSED, Case, Trained, member, pack, train
from chalicelib.engines import catalogue, loading
from chalicelib.engines.adapted_model import KEPT_BASE
from chalicelib.engines.protocol import CustomModels
from chalicelib.engines.whisper.model.low_rank import FILE_NAME, delta_bytes, parse_delta
from infra.local.demo.prompts import PromptsUnavailable
from infra.local.demo.scoring import paired_difference, word_error_rate
from training_image.model_files import write_model
from training_image.whisper.experiments import KEEP_VARIABLE, TRANSCRIPTS_VARIABLE, WHOLE_CHANGE

ALPHAS = (1.0, 0.75, 0.5, 0.25)
WORSE = 0.01
"""So much more of the base's errors is a loss."""


@dataclass(frozen=True)
class Wanted:
    """What is to be measured beside base and result."""

    development: bool = False
    alphas: tuple[float, ...] = ()
    """Shares of what was learned that are measured, too."""
    bound: bool = False
    python: str = sys.executable
    """With the packages that training needs."""
    logs: Path | None = None
    """Folder that gets each program's log and report."""


def heard(recordings: Sequence[Recording], version: str, model: Path | None) -> list[str]:
    """Return what a base version, or a model of it, hears; every core at work where the engine allows it."""
    recognizer = loading.load(version, CustomModels(adapted_model=model))
    samples = [samples_at(one, recognizer.sample_rate_hz) for one in recordings]
    threads = (os.cpu_count() or 1) if catalogue.base_version(version).features.serves_threads else 1
    with ThreadPoolExecutor(threads) as pool:
        decoded = pool.map(recognizer.recognize, samples)
        return [one.hypotheses[0].text if one.hypotheses else "" for one in decoded]


class Measurements:
    """Measures models on one test set, the base once for all cases that share the set."""

    _of_bases: dict[str, list[str]]

    def __init__(self) -> None:
        self._of_bases = {}

    def base(self, case: Case) -> list[str]:
        """Return what the base hears."""
        digest = hashlib.sha256(case.base_version.encode())
        for recording in case.test:
            digest.update(recording.wav)
        if digest.hexdigest() not in self._of_bases:
            self._of_bases[digest.hexdigest()] = heard(case.test, case.base_version, None)
        return self._of_bases[digest.hexdigest()]

    def rated(self, case: Case, model: Path | None) -> dict[str, Any]:
        """Return a model's word error rate, with how far it lies from the base's; None: the base itself."""
        texts = [one.text for one in case.test]
        base = self.base(case)
        hypotheses = heard(case.test, case.base_version, model) if model else base
        rate = word_error_rate(texts, hypotheses)
        difference = paired_difference(texts, base, hypotheses)
        return {
            **asdict(rate),
            "shown": str(rate),
            "to_base": str(difference),
            "hypotheses": hypotheses,
        }


def run(
    name: str, wanted: Wanted, measurements: Measurements, overrides: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Measure one condition.

    Args:
        name: of the condition.
        wanted: what is measured.
        measurements: what was measured before, and will be again.
        overrides: environment variables of the program.
    """
    condition = CONDITIONS[name]
    case = condition.make(wanted.development)
    figures: dict[str, Any] = {
        "harmful": condition.harmful,
        "audio_s": round(case.audio_s, 1),
        "base_version": case.base_version,
        "references": [one.text for one in case.test],
        "base": measurements.rated(case, None),
    }
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        environment = {**(overrides or {}), **({KEEP_VARIABLE: "1"} if wanted.alphas else {})}
        done = _trained(case, root / "learned", environment, wanted, name)
        figures |= _job_figures(done, case)
        figures["custom"] = measurements.rated(case, done.model)
        if wanted.alphas:
            figures["alphas"] = _by_alpha(case, root, measurements, wanted.alphas)
        if wanted.bound and not condition.harmful:
            table = _transcripts(case, root / "transcripts.tsv")
            bound = _trained(
                case,
                root / "bound",
                {**environment, TRANSCRIPTS_VARIABLE: str(table)},
                wanted,
                f"{name}-bound",
            )
            figures["bound"] = measurements.rated(case, bound.model) | _job_figures(bound, case)
    figures["relative"] = _relative(figures["custom"], figures["base"])
    return figures


def _trained(case: Case, root: Path, environment: Mapping[str, str], wanted: Wanted, name: str) -> Trained:
    root.mkdir()
    done = train(case, root, environment=environment, python=wanted.python)
    if wanted.logs is not None:
        wanted.logs.mkdir(parents=True, exist_ok=True)
        for file in ("program.log", "model/report.json"):
            if (root / file).exists():
                (wanted.logs / f"{name}.{Path(file).name}").write_bytes((root / file).read_bytes())
    return done


def _job_figures(done: Trained, case: Case) -> dict[str, Any]:
    told = ("decision", "reason", "ordinary_speech", "candidates", "held_out", "used_s", "rounds")
    return {
        "training_s": round(done.elapsed_s, 1),
        "training_ratio": round(done.elapsed_s / case.audio_s, 3),
        "memory_gb": round(done.most_bytes / 1e9, 2),
        **{key: done.report.get(key) for key in told},
        "alpha": 0.0 if done.report["decision"] == KEPT_BASE else done.report.get("alpha"),
    }


def _relative(figures: Mapping[str, Any], base: Mapping[str, Any]) -> float:
    return round(figures["rate"] / base["rate"] - 1, 4) if base["rate"] else 0.0


def _by_alpha(case: Case, root: Path, measurements: Measurements, alphas: Sequence[float]) -> dict[str, Any]:
    """Measure shares of what the program learned; nothing where it learned nothing."""
    path = root / "learned" / "checkpoints" / WHOLE_CHANGE
    if not path.exists():
        return {}
    return {
        f"{alpha:g}": measurements.rated(case, _scaled(path, alpha, case.base_version, root))
        for alpha in alphas
    }


def _scaled(path: Path, alpha: float, base_version: str, root: Path) -> Path:
    """Write the model that a share of a change makes."""
    delta = parse_delta(path.read_bytes())
    changes = [replace(change, up=alpha * change.up) for change in delta.changes]
    folder = root / f"alpha-{alpha:g}"
    folder.mkdir()
    write_model(
        folder,
        {FILE_NAME: delta_bytes(delta.base_sha256, changes, delta.beneath)},
        engine=catalogue.base_version(base_version).engine,
        base_version=base_version,
        report={"decision": "adapted", "alpha": alpha},
    )
    return pack(folder, root / f"alpha-{alpha:g}.tar.gz")


def _transcripts(case: Case, path: Path) -> Path:
    """Write what is said in each recording of the archive."""
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, delimiter="\t", lineterminator="\n")
        rows.writerow(("audio_name", "member", "transcript"))
        for number, recording in enumerate(case.adaptation):
            rows.writerow((AUDIO_NAME, member(number), recording.text))
    return path


def learning_table(figures: Mapping[str, Any]) -> str:
    """Return what was learned from each kind of speech, in Markdown."""
    rows = [
        "| learned from | audio, min | untrained | adapted | change | true transcripts | training ÷ audio | GB |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, found in figures.items():
        if not found["harmful"]:
            bound = found.get("bound", {}).get("shown", "–")
            rows.append(
                f"| {name} | {found['audio_s'] / 60:.1f} | {found['base']['shown']} | {found['custom']['shown']} | "
                f"{100 * found['relative']:+.0f} % | {bound} | {found['training_ratio']:.2f} | "
                f"{found['memory_gb']:.2f} |"
            )
    return "\n".join(rows)


def guard_table(figures: Mapping[str, Any]) -> str:
    """Return what the guard chose and what would have been best, in Markdown."""
    rows = ["| learned from | base | α = 1 | chosen | best possible | right |", "|---|---|---|---|---|---|"]
    for name, found in figures.items():
        if "alphas" not in found and not found["harmful"]:
            continue
        base, chosen = found["base"]["rate"], found["custom"]["rate"]
        shares = {float(alpha): one["rate"] for alpha, one in found.get("alphas", {}).items()} | {0.0: base}
        if found["alpha"] is not None:
            shares.setdefault(found["alpha"], chosen)
        best = min(shares, key=lambda share: (shares[share], share))
        alpha = REFUSED if found["decision"] == REFUSED else f"α {_shown(found['alpha'])}"
        whole = f"{100 * shares[1.0]:.1f} %" if 1.0 in shares else "–"
        rows.append(
            f"| {name} | {100 * base:.1f} % | {whole} | {100 * chosen:.1f} % ({alpha}) | "
            f"{100 * shares[best]:.1f} % (α {best:g}) | {_verdict(base, chosen, shares[best])} |"
        )
    return "\n".join(rows)


def _shown(alpha: float | None) -> str:
    return "unknown" if alpha is None else f"{alpha:g}"


def _verdict(base: float, chosen: float, best: float) -> str:
    """Say whether a choice lost against the base, or left behind more of a gain than it had to."""
    if chosen > base * (1 + WORSE):
        return f"no: lost {100 * (chosen / base - 1):.1f} %"
    missed = chosen - best
    return "yes" if missed <= WORSE * base else f"safe: missed {100 * missed:.1f} points"


def main(argv: Sequence[str]) -> int:
    """Measure; print tables and write `.attune/bench/adaptation.json` (or `adaptation-development.json`)."""
    parser = argparse.ArgumentParser(prog="python -m bench adaptation", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=sorted(CONDITIONS), default=list(CONDITIONS))
    parser.add_argument(
        "--development", action="store_true", help="on speech by which defaults may be chosen"
    )
    parser.add_argument("--alphas", action="store_true", help="measure every share of what was learned")
    parser.add_argument("--bound", action="store_true", help="learn from true transcripts, too")
    parser.add_argument("--python", default=sys.executable, help="with the packages that training needs")
    parser.add_argument("--logs", type=Path, help="folder for the programs' logs and reports")
    chosen = parser.parse_args(argv)
    alphas = ALPHAS if chosen.alphas else ()
    wanted = Wanted(chosen.development, alphas, chosen.bound, chosen.python, chosen.logs)
    listing = "adaptation-development" if wanted.development else "adaptation"
    figures, measurements = kept(listing), Measurements()
    for name in chosen.only:
        try:
            found = figures[name] = run(name, wanted, measurements) | measured_here()
        except (RecordingsUnavailable, PromptsUnavailable) as reason:
            print(f"{name:18} left out: {reason}", flush=True)
            continue
        print(
            f"{name:18} base {found['base']['shown']}  custom {found['custom']['shown']}  {found['decision']}, "
            f"α {_shown(found['alpha'])}, training × {found['training_ratio']}, {found['memory_gb']} GB: "
            f"{found['reason']}",
            flush=True,
        )
        keep(listing, figures)
    in_order = {name: figures[name] for name in CONDITIONS if name in figures}
    print(f"\n{learning_table(in_order)}\n\n{guard_table(in_order)}")
    return 0
