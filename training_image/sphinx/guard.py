"""What this engine adds to the guard: the thresholds of its posteriors, phones, and noise taken out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from chalicelib.engines.sphinx.acoustics.features import FRAMES_PER_S
from training_image import guard
from training_image.guard import Verdict
from training_image.sphinx.shards import DecodedShard

LEAST_BASE_POSTERIOR = 0.35
"""Below this mean posterior the base is wrong too often for its hypotheses to teach anything."""
LEAST_POSTERIOR_LESS_NOISE = 0.25
"""The same where taking noise out has helped: then it was noise, not another language or no speech at all."""
UNSURE_BELOW = 0.35
"""A base less sure than this must be beaten clearly: a posterior may rise while errors do not fall."""
LEAST_RISE, LEAST_RISE_OF_UNSURE = 0.01, 0.1
LEAST_RISE_LESS_NOISE = 0.15
"""The same for one that takes noise out: among other voices it is up to 0.11 surer, and wrong more often."""
NOISY_BELOW = 0.45
"""A base less sure than this may be hindered by noise."""
LEAST_RISE_WITHOUT_NOISE = 0.05
"""What taking stationary noise out must bring before anything is learned."""
FEWEST_PHONES = 20
"""As few phones as one word has would pull the others' Gaussians along."""
LEAST_PHONE_S = 0.3
_LIKELY = 0.5


@dataclass(frozen=True)
class SphinxFigures(guard.Figures):
    """How sure a model is of what it finds in some audio."""

    phones: int
    """How many phones were heard for at least LEAST_PHONE_S in words that are likely."""


def figures(decoded: Sequence[DecodedShard]) -> SphinxFigures:
    """Return how sure a model was of what it found."""
    posteriors = np.concatenate([shard.posteriors for shard in decoded]) if decoded else np.empty(0)
    minutes = sum(int(shard.frames.sum()) for shard in decoded) / (60 * FRAMES_PER_S)
    texts = {word for shard in decoded for text in shard.texts for word in text.split()}
    return SphinxFigures(
        words=len(posteriors),
        words_a_minute=round(len(posteriors) / minutes, 2) if minutes else 0.0,
        mean_posterior=round(float(posteriors.mean()), 4) if len(posteriors) else 0.0,
        different_words=len(texts),
        phones=_phones(decoded),
    )


def _phones(decoded: Sequence[DecodedShard]) -> int:
    heard = np.zeros(256)
    for shard in decoded:
        likely = (shard.confidences >= _LIKELY) & (shard.codebooks >= 0)
        heard += np.bincount(shard.codebooks[likely], minlength=len(heard))
    return int((heard >= LEAST_PHONE_S * FRAMES_PER_S).sum())


def judge_material(
    adaptation: SphinxFigures, held_out: SphinxFigures, *, less_noise: bool = False
) -> Verdict:
    """Say whether what the base finds in the audio, or in it less its noise, can teach anything at all."""
    least = LEAST_POSTERIOR_LESS_NOISE if less_noise else LEAST_BASE_POSTERIOR
    sounds = Verdict(
        adaptation.phones >= FEWEST_PHONES,
        f"the base model finds only {adaptation.phones} of the language's sounds in the audio, "
        f"at least {FEWEST_PHONES} are needed",
    )
    return guard.judge_material(adaptation, held_out, least_posterior=least, evidence=[sounds])


def may_be_noisy(base: SphinxFigures) -> bool:
    """Say whether it is worth hearing the audio once more with its stationary noise taken out."""
    return base.words >= guard.FEWEST_WORDS and base.mean_posterior < NOISY_BELOW


def better_without_noise(base: SphinxFigures, without_noise: SphinxFigures) -> bool:
    """Say whether the base is clearly surer of the audio once its stationary noise is taken out."""
    risen = without_noise.mean_posterior >= base.mean_posterior + LEAST_RISE_WITHOUT_NOISE
    return risen and guard.hears_as_much(base, without_noise)


def judge_model(base: SphinxFigures, candidate: SphinxFigures, *, less_noise: bool = False) -> Verdict:
    """Say whether a model is surer of the held-out audio than the base, without losing words."""
    wanted = LEAST_RISE if base.mean_posterior >= UNSURE_BELOW else LEAST_RISE_OF_UNSURE
    if less_noise:
        wanted = LEAST_RISE_LESS_NOISE
    return guard.judge_model(base, candidate, least_rise=wanted)
