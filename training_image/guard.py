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
LEAST_AGREEMENT = 0.5
"""A base that finds fewer of its own words again, when the audio is altered a little, hears by chance."""
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
class GuardChoice(Generic[Found]):
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


def judge_agreement(agreement: float) -> Verdict:
    """Say whether the base hears the same in the held-out audio when that is altered a little.

    Args:
        agreement: share of its words that it finds again, 0…1.
    """
    return Verdict(
        agreement >= LEAST_AGREEMENT,
        f"the base model finds only {agreement:.0%} of its words again when the audio is altered a little "
        f"(at least {LEAST_AGREEMENT:.0%} are needed), so it hears by chance",
    )


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
) -> GuardChoice[Found]:
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
            return GuardChoice(stage, f"Better than the base: {verdict.reason}.", after)
        reasons.append(verdict.reason)
    reason = f"The base model is kept: adaptation did not help ({'; '.join(reasons)})."
    return GuardChoice(KEPT_BASE, reason, after)


ALPHAS = (1.0, 0.75, 0.5, 0.25)
"""Shares of a change that are tried, the whole of it first; what is left is the base itself."""
MOST_ORDINARY_LOSS = 0.01
"""Relative: so much worse may ordinary speech become, in words."""
LEAST_SHARE_OF_SURE_WORDS = 0.9
"""Of the words that the base was sure of, so many must be found again."""
LEAST_AGREEMENT_GAIN = -0.01
"""A model that finds other words whenever the audio is altered a little was fitted to chance."""
MOST_SILENCED_SHARE = 0.03
"""Of the held-out utterances that the base hears something in, so many may fall silent, and one more."""
MOST_PACE = 1.35
"""A model that hears so many more words than the base invents some."""


@dataclass(frozen=True)
class Errors:
    """Words wrong in speech whose transcript is known."""

    words: int
    errors: int


@dataclass(frozen=True)
class Hearing:
    """What a model makes of everything that judges it."""

    held_out: Figures
    agreement: float
    """Share of the words on held-out audio that it finds again when the audio is altered a little, 0…1."""
    sure_words_found: float
    """Share of the words that the base was sure of on held-out audio, 0…1; 1 for the base itself."""
    spoken: int
    """Held-out utterances in which it hears words."""
    silenced: int
    """Those in which the base hears words, and it hears none; 0 for the base itself."""
    ordinary: Errors
    """On the ordinary speech that comes with the program."""
    non_speech_words: int
    """Found where nobody speaks."""
    repetitions: int
    """Utterances of the held-out audio in which it repeats itself."""
    changed: int | None = None
    """Held-out utterances in which it finds other words than the base; None: they were not counted."""


@dataclass(frozen=True)
class Candidate:
    """A share of what was learned, and how it was judged."""

    alpha: float
    hearing: Hearing
    accepted: bool
    reason: str
    """What spoke against it, or for it."""


@dataclass(frozen=True)
class AlphaChoice:
    """How much of what was learned serves from now on."""

    alpha: float
    """0: the base is kept."""
    reason: str
    """For the model's user."""
    hearing: Hearing
    """Of the chosen share; of the base where it is kept."""
    candidates: tuple[Candidate, ...]


def judge_change(base: Hearing, candidate: Hearing) -> Verdict:
    """Say whether a model may take the base's place: nothing that is known got worse, and it is surer."""
    before, after = base.held_out, candidate.held_out
    least_words = before.words * LEAST_SHARE_OF_WORDS
    most_errors = int(base.ordinary.errors * (1 + MOST_ORDINARY_LOSS))
    verdicts = (
        Verdict(
            candidate.ordinary.errors <= most_errors,
            f"ordinary speech would be heard worse ({candidate.ordinary.errors} of "
            f"{candidate.ordinary.words} words wrong, {base.ordinary.errors} with the base)",
        ),
        Verdict(
            candidate.non_speech_words <= base.non_speech_words,
            f"it writes {candidate.non_speech_words} words where nobody speaks, the base "
            f"{base.non_speech_words}",
        ),
        Verdict(
            candidate.repetitions <= base.repetitions,
            f"it repeats itself in {candidate.repetitions} held-out utterances, the base in "
            f"{base.repetitions}",
        ),
        Verdict(
            least_words <= after.words <= MOST_PACE * max(before.words, FEWEST_WORDS),
            f"it finds {after.words} words in the held-out audio, the base {before.words}",
        ),
        Verdict(
            candidate.sure_words_found >= LEAST_SHARE_OF_SURE_WORDS,
            f"it finds only {candidate.sure_words_found:.0%} of the words again that the base was sure of",
        ),
        Verdict(
            candidate.silenced <= 1 + int(MOST_SILENCED_SHARE * base.spoken),
            f"it hears nothing in {candidate.silenced} of the {base.spoken} held-out utterances in which the "
            "base hears words",
        ),
        Verdict(
            candidate.agreement >= base.agreement + LEAST_AGREEMENT_GAIN,
            f"it finds {candidate.agreement:.0%} of its words again when the audio is altered a little, the "
            f"base {base.agreement:.0%}",
        ),
        Verdict(
            after.mean_posterior > before.mean_posterior,
            f"it is not surer of the held-out audio (mean word posterior {before.mean_posterior:.3f} → "
            f"{after.mean_posterior:.3f})",
        ),
    )
    refused = (verdict for verdict in verdicts if not verdict.accepted)
    better = Verdict(
        True,
        f"mean word posterior on held-out audio {before.mean_posterior:.3f} → {after.mean_posterior:.3f}, "
        f"{base.agreement:.0%} → {candidate.agreement:.0%} of the words are found again when the audio is "
        f"altered a little, {_of_ordinary_speech(base.ordinary, candidate.ordinary)}",
    )
    return next(refused, better)


def _of_ordinary_speech(base: Errors, candidate: Errors) -> str:
    if not base.words:
        return "no ordinary speech was heard, for none in this language comes with the training program"
    return f"ordinary speech {base.errors} → {candidate.errors} of {base.words} words wrong"


def choose_alpha(
    base: Hearing, hear: Callable[[float], Hearing], alphas: Iterable[float] = ALPHAS
) -> AlphaChoice:
    """Return the largest share of a change that may serve; none where every one does harm.

    Args:
        base: what the base makes of what judges.
        hear: returns what the base with a share of the change makes of it.
        alphas: shares in the order in which they are wanted; no more are heard than must be.
    """
    candidates: list[Candidate] = []
    for alpha in alphas:
        hearing = hear(alpha)
        verdict = judge_change(base, hearing)
        candidates.append(Candidate(alpha, hearing, verdict.accepted, verdict.reason))
        if verdict.accepted:
            share = "all" if alpha == 1 else f"{alpha:.0%}"
            reason = f"Better than the base with {share} of what was learned: {verdict.reason}."
            return AlphaChoice(alpha, reason, hearing, tuple(candidates))
    if not candidates:
        reason = "The base model is kept: no time was left to judge what was learned."
        return AlphaChoice(0.0, reason, base, ())
    reasons = "; ".join(f"{one.alpha:.0%} of it: {one.reason}" for one in candidates)
    reason = f"The base model is kept: what was learned did not help ({reasons})."
    return AlphaChoice(0.0, reason, base, tuple(candidates))
