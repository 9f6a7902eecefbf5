"""Never worse than the base: what every engine must show before its result takes the base's place.

How sure an engine must be is on the scale of its own posteriors: it brings the thresholds, and evidence of
its own where it has some.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from chalicelib.engines.adapted_model import KEPT_BASE

FEWEST_WORDS = 10
"""Fewer words on held-out audio say nothing."""
FEWEST_DIFFERENT_WORDS = 20
"""Adaptation on a handful of words fits these words and spoils others."""
LEAST_SHARE_OF_WORDS = 0.5
"""A model that hears fewer of the base's words may be sure of these only because it lost the hard ones."""


@dataclass(frozen=True)
class Figures:
    """How sure a model is of what it finds in some audio."""

    words: int
    words_a_minute: float
    mean_posterior: float
    """Over all words, 0…1; it follows the word error rate down."""
    different_words: int


@dataclass(frozen=True)
class Verdict:
    """Whether something is good enough, and why."""

    accepted: bool
    reason: str


Found = TypeVar("Found", bound=Figures)


@dataclass(frozen=True)
class Choice(Generic[Found]):
    """What serves from now on."""

    stage: str
    """KEPT_BASE, or the stage of the adaptation whose result beats the base."""
    reason: str
    """For the model's user."""
    after: Found
    """Figures of that result on the held-out audio; where the base is kept, of what was judged last."""


def judge_material(
    adaptation: Figures, held_out: Figures, *, least_posterior: float, evidence: Iterable[Verdict] = ()
) -> Verdict:
    """Say whether what the base finds in the audio can teach anything at all.

    Args:
        adaptation: of the base, on what there is to learn from.
        held_out: of the base, on what the result will be judged by.
        least_posterior: a base less sure than this is wrong too often to teach itself.
        evidence: what the engine has beside; each must be accepted.
    """
    verdicts = [
        Verdict(
            held_out.words >= FEWEST_WORDS,
            f"the base model finds only {held_out.words} words in the held-out audio",
        ),
        Verdict(
            adaptation.different_words >= FEWEST_DIFFERENT_WORDS,
            f"the base model finds only {adaptation.different_words} different words in the audio",
        ),
        *evidence,
        Verdict(
            held_out.mean_posterior >= least_posterior,
            f"the base model is too unsure of the audio to learn from it (mean word posterior "
            f"{held_out.mean_posterior:.2f}, at least {least_posterior:.2f} is needed)",
        ),
    ]
    refused = (verdict for verdict in verdicts if not verdict.accepted)
    return next(refused, Verdict(True, "the audio holds speech to learn from"))


def judge_model(base: Figures, candidate: Figures, *, least_rise: float) -> Verdict:
    """Say whether a model is surer of the held-out audio than the base by so much, without losing words."""
    change = (
        f"mean word posterior on held-out audio {base.mean_posterior:.3f} → {candidate.mean_posterior:.3f}"
    )
    surer = candidate.mean_posterior >= base.mean_posterior + least_rise
    return Verdict(surer and hears_as_much(base, candidate), change)


def hears_as_much(base: Figures, candidate: Figures) -> bool:
    """Say whether a model does not do better by leaving words out."""
    return candidate.words >= base.words * LEAST_SHARE_OF_WORDS


def choose(
    base: Found, candidates: Iterable[tuple[str, Found]], judge: Callable[[Found, Found], Verdict]
) -> Choice[Found]:
    """Return the first candidate that beats the base; if none does, the base is kept.

    Args:
        base: figures of the base on the held-out audio.
        candidates: stages with their figures, the one that is wanted most first; a lazy iterable judges no
            more of them than it must.
        judge: takes the figures of base and candidate; `judge_model` with the engine's thresholds.
    """
    after, reasons = base, []
    for stage, after in candidates:
        verdict = judge(base, after)
        if verdict.accepted:
            return Choice(stage, f"Better than the base: {verdict.reason}.", after)
        reasons.append(verdict.reason)
    reason = f"The base model is kept: adaptation did not help ({'; '.join(reasons)})."
    return Choice(KEPT_BASE, reason, after)
