"""Does recognition restricted to a grammar refuse other speech? False refusals and acceptances for each grammar.

Development speech alone: a seventh of AN4's training half, clean and through a telephone, and prompts of one or
two words that are not held out. What is shown was cross-validated: no voice of AN4 and no text of the prompts is
judged by a fit to itself. The last line is the calibration fitted to all of them, as it stands in
`engines.sphinx.grammar_evidence`. With `--adapted` the same utterances are judged by it before the base and before
acoustic models that have learned, without transcripts, from half of AN4's other training utterances.
"""

from __future__ import annotations

import argparse
import io
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from bench.acoustic import BROADBAND, NARROWBAND
from bench.figures import ROOT, keep, measured_here
from bench.recordings import Recording, RecordingsUnavailable, an4
from bench.training_job import Case
from bench.training_job import train as train_acoustics
from chalicelib.engines.base_language import base_language
from chalicelib.engines.protocol import CustomModels
from chalicelib.engines.sphinx.acoustics.acoustic_model import load_base
from chalicelib.engines.sphinx.artefact import NOISE_SUPPRESSION, read_artefact
from chalicelib.engines.sphinx.decoder import SphinxDecoder
from chalicelib.engines.sphinx.engine import adapted
from chalicelib.engines.sphinx.grammar_evidence import CALIBRATION, Calibration, GrammarEvidence
from chalicelib.engines.sphinx.grammar_search import LEAST_ACCEPTANCE
from chalicelib.engines.sphinx.language import load_language
from chalicelib.engines.sphinx.search import settings_of
from chalicelib.language.artefact import GrammarText
from chalicelib.language.training import train
from infra.local.demo.__main__ import split
from infra.local.demo.prompts import PromptsUnavailable, fetch_prompts

EVERY = 7
FOLDS = 5
RIDGE = 0.01
DIGITS = frozenset(["zero", "oh", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"])
LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz")
COMMANDS = frozenset(["yes", "no", "go", "start", "stop", "help", "repeat", "rubout", "erase"])
Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Grammar:
    """A grammar, and which texts are its own or surely none of its own."""

    abnf: str
    is_inside: Callable[[str], bool]
    is_outside: Callable[[str], bool]


@dataclass(frozen=True)
class Judged:
    """One utterance before one grammar."""

    grammar: str
    apart: str
    """What must not be judged by a fit to the same: the voice, or the text of a single voice."""
    is_inside: bool
    is_right: bool
    """Whether what was said is what was recognised."""
    evidence: GrammarEvidence | None


def loop(words: frozenset[str], *, repeated: bool = True) -> Grammar:
    """Return the grammar of any of some words, one or many."""
    rule = f"({' | '.join(sorted(words))}){' <1->' if repeated else ''}"
    return Grammar(
        f"#ABNF 1.0;\nroot $said;\n$said = {rule};\n",
        lambda text: text in words if not repeated else set(text.split()) <= words,
        lambda text: _sounding(text.split()).isdisjoint(_sounding(words)),
    )


def _sounding(words: Iterable[str]) -> set[str]:
    """Return how words are said: one that sounds like another is no other speech than that."""
    base = base_language(NARROWBAND)
    return {said for word in words for said in base.pronunciations(word) or [word]}


def spelling(condition: str) -> tuple[list[Recording], dict[str, Grammar]]:
    """AN4's training half: digits, letters and commands against each other."""
    grammars = {"digits": loop(DIGITS), "letters": loop(LETTERS), "commands": loop(COMMANDS, repeated=False)}
    return an4("train", condition)[::EVERY], grammars


def prompts() -> tuple[list[Recording], dict[str, Grammar]]:
    """Short telephone prompts: a third of them is the grammar, the others are not."""
    everything = fetch_prompts(ROOT / ".attune" / "prompts")
    held_out = {prompt.path for prompt in split(everything, "").held_out}
    known = base_language(NARROWBAND).known
    short = [
        prompt
        for prompt in everything
        if prompt.path not in held_out and len(prompt.text.split()) <= 2 and prompt.duration_s < 3
    ]
    texts = sorted({prompt.text for prompt in short if all(map(known, prompt.text.split()))})
    chosen = frozenset(np.random.default_rng(4).permutation(texts)[: len(texts) // 3].tolist())
    words = Grammar(
        f"#ABNF 1.0;\nroot $said;\n$said = {' | '.join(sorted(chosen))};\n",
        lambda text: text in chosen,
        lambda text: known(text) and _sounding([text]).isdisjoint(_sounding(chosen)),
    )
    recordings = [Recording(prompt.path.read_bytes(), prompt.text, prompt.duration_s) for prompt in short]
    return recordings, {"words": words, "digits": loop(DIGITS)}


def judged(
    condition: str,
    version: str,
    recordings: Sequence[Recording],
    grammars: dict[str, Grammar],
    adapted_model: Path | None = None,
) -> list[Judged]:
    """Decode every recording with every grammar that it surely belongs to or surely does not."""
    arrays = (None if adapted_model is None else read_artefact(adapted_model, version)) or {}
    base = load_base(version, suppresses_noise=NOISE_SUPPRESSION in arrays)
    model = adapted(base.model, arrays) if arrays else base.model
    cepstra = [base.cepstra(_samples(recording)) for recording in recordings]
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "language-model.tar.gz"
        texts = {name: GrammarText("abnf", grammar.abnf) for name, grammar in grammars.items()}
        train([], [], texts, base=base_language(version), target=path)
        for name, grammar in grammars.items():
            language = load_language(CustomModels(language_model=path, grammar_name=name), version)
            decoder = SphinxDecoder(model, settings_of(version), language)
            for number, recording in enumerate(recordings):
                is_inside = grammar.is_inside(recording.text)
                if is_inside or grammar.is_outside(recording.text):
                    evidence = decoder.grammar_evidence(cepstra[number])
                    heard = " ".join(found.word for found in decoder.best() if not found.is_filler)
                    rows.append(
                        Judged(
                            f"{condition}, {name}",
                            recording.speaker or recording.text,
                            is_inside,
                            heard == recording.text,
                            evidence,
                        )
                    )
    return rows


def fitted(rows: Sequence[Judged]) -> Calibration:
    """Fit a logistic regression in which each grammar's own and other speech weigh alike."""
    rows = [row for row in rows if row.evidence is not None]
    features = np.array([[*_numbers(row), 1.0] for row in rows])
    inside = np.array([row.is_inside for row in rows], np.float64)
    groups = [(row.grammar, row.is_inside) for row in rows]
    weights = np.array([1 / groups.count(group) for group in groups])
    weights *= len(rows) / weights.sum()
    solution = np.zeros(features.shape[1])
    for _ in range(60):  # Newton's steps
        chances = 1 / (1 + np.exp(-features @ solution))
        curvature = (features.T * (weights * chances * (1 - chances))) @ features
        slope = features.T @ (weights * (inside - chances)) - RIDGE * solution
        solution += np.linalg.solve(curvature + RIDGE * np.eye(len(solution)), slope)
    return Calibration(*(round(float(value), 3) for value in solution))


def measured(rows: Sequence[Judged]) -> dict[str, Any]:
    """Return shares of false refusals and acceptances by grammar, each utterance judged by a fit without its like.

    `right` are a grammar's own utterances that are recognised as they were said, `right_kept` those of
    them whose result is not empty.
    """
    chances: Numbers = np.zeros(len(rows))
    alike = list(dict.fromkeys(row.apart for row in rows))
    folds = np.array([alike.index(row.apart) % FOLDS for row in rows])
    for fold in range(FOLDS):
        calibration = fitted([row for row, other in zip(rows, folds, strict=True) if other != fold])
        for place in np.flatnonzero(folds == fold).tolist():
            evidence = rows[place].evidence
            chances[place] = 0.0 if evidence is None else calibration.probability(evidence)
    return shares(rows, chances) | {"calibration": asdict(fitted(rows))}


def shares(rows: Sequence[Judged], chances: Numbers) -> dict[str, Any]:
    """Return shares by grammar, given the probability of each utterance that the grammar was spoken."""
    inside = np.array([row.is_inside for row in rows])
    right = np.array([row.is_right for row in rows])
    names = np.array([row.grammar for row in rows])
    found: dict[str, Any] = {}
    for name in dict.fromkeys(row.grammar for row in rows):
        here = names == name
        own, other, said = chances[inside & here], chances[~inside & here], right[inside & here]
        found[name] = {
            "inside": len(own),
            "outside": len(other),
            "right": round(float(said.mean()), 3),
            "right_kept": round(float((said & (own >= LEAST_ACCEPTANCE)).mean()), 3),
            "refused": round(float((own < 0.5).mean()), 3),
            "empty": round(float((own < LEAST_ACCEPTANCE).mean()), 3),
            "accepted": round(float((other >= 0.5).mean()), 3),
            "not_empty": round(float((other >= LEAST_ACCEPTANCE).mean()), 3),
        }
    return found


def _numbers(row: Judged) -> tuple[float, float, float]:
    assert row.evidence is not None
    return row.evidence.goodness, row.evidence.coverage, row.evidence.length


def _samples(recording: Recording) -> NDArray[np.float32]:
    samples, _ = soundfile.read(io.BytesIO(recording.wav), dtype="float32")
    return np.asarray(samples, np.float32)


def _broadband() -> list[Judged]:
    return judged("clean", BROADBAND, *spelling("clean"))


def _narrowband() -> list[Judged]:
    rows = judged("telephone", NARROWBAND, *spelling("telephone"))
    return rows + judged("prompts", NARROWBAND, *prompts())


def _as_served(rows: Sequence[Judged]) -> dict[str, Any]:
    chances = [0.0 if row.evidence is None else CALIBRATION.probability(row.evidence) for row in rows]
    return shares(rows, np.array(chances))


def before_adapted() -> dict[str, Any]:
    """Judge AN4's utterances by the calibration as it is served, before the base and before adapted models."""
    found: dict[str, Any] = {}
    for condition, version in (("clean", BROADBAND), ("telephone", NARROWBAND)):
        recordings, grammars = spelling(condition)
        others = [one for place, one in enumerate(an4("train", condition)) if place % EVERY]
        with tempfile.TemporaryDirectory() as folder:
            done = train_acoustics(Case(others[::2], [], version), Path(folder))
            if done.model is None:
                raise RuntimeError(f"nothing was learned from {condition} speech: {done.report['reason']}")
            found |= _as_served(judged(f"{condition}, base", version, recordings, grammars))
            found |= _as_served(judged(f"{condition}, adapted", version, recordings, grammars, done.model))
    return found


CASES = {"broadband": _broadband, "narrowband": _narrowband}


def main(argv: Sequence[str]) -> int:
    """Measure both bases, or those named with `--only`; print and write `.attune/bench/grammars.json`."""
    parser = argparse.ArgumentParser(prog="python -m bench grammars", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=sorted(CASES), default=list(CASES))
    parser.add_argument("--adapted", action="store_true", help="judge before adapted acoustic models instead")
    options = parser.parse_args(argv)
    if options.adapted:
        _print_and_keep("grammars-adapted", before_adapted())
        return 0
    rows: list[Judged] = []
    for name in options.only:
        try:
            rows += CASES[name]()
        except (RecordingsUnavailable, PromptsUnavailable) as reason:
            print(f"{name:12} left out: {reason}", flush=True)
    if rows:
        _print_and_keep("grammars", measured(rows))
    return 0


def _print_and_keep(name: str, figures: dict[str, Any]) -> None:
    for grammar, shown in figures.items():
        print(f"{grammar}: {shown}", flush=True)
    keep(name, figures | measured_here())
