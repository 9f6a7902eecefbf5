"""Cepstra to words: pocketsphinx's decoder with this service's settings."""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pocketsphinx
from numpy.typing import NDArray

from chalicelib.engines.sphinx.acoustic_model import BUNDLED, DATA, AcousticModel, bundled_model
from chalicelib.engines.sphinx.features import Array
from chalicelib.engines.sphinx.model_files import write_gaussians
from chalicelib.engines.sphinx.search import QUICK, Settings

_PRONUNCIATION = re.compile(r"\(\d+\)$")
_SCORE_UNIT = 1024
"""The decoder keeps path scores shifted by ten bits; posteriors in the lattice divide them by `ascale`."""
_READINGS_LOOKED_AT = 40  # for each alternative asked for; most differ in silences and pronunciations only


@dataclass(frozen=True)
class Segment:
    """A word or a filler of the best reading."""

    word: str
    """As in the dictionary without the pronunciation's number; fillers keep their brackets."""
    first_frame: int
    last_frame: int
    posterior: float

    @property
    def is_filler(self) -> bool:
        """Whether it is silence, noise or a sentence boundary."""
        return self.word[:1] in "<[+"


@dataclass(frozen=True)
class Reading:
    """Another reading of the same utterance."""

    words: tuple[str, ...]
    posterior: float


@dataclass(frozen=True)
class Alignment:
    """What was spoken in each frame, by the best path; -1 where nothing is aligned."""

    senones: NDArray[np.int32]
    """Shape (frames,)."""
    codebooks: NDArray[np.int32]
    """Shape (frames,)."""


class Decoder:
    """A pocketsphinx decoder over one acoustic model. Results do not depend on what was decoded before."""

    def __init__(self, model: AcousticModel, settings: Settings | None = None) -> None:
        bundled = bundled_model()
        self._codebook_of = {phone: index for index, phone in enumerate(model.phones)}
        with tempfile.TemporaryDirectory(prefix="attune-model-") as folder:
            files = {}
            if model.means is not bundled.means:
                files["mean"] = str(Path(folder) / "means")
                write_gaussians(Path(folder) / "means", model.means)
            if model.variances is not bundled.variances:
                files["var"] = str(Path(folder) / "variances")
                write_gaussians(Path(folder) / "variances", model.variances)
            self._decoder = pocketsphinx.Decoder(
                hmm=str(BUNDLED),
                featparams=str(
                    DATA / "feat.params"
                ),  # the model's own, less the normalisation, which is ours
                loglevel="FATAL",
                **files,
                **(QUICK if settings is None else settings),
            )

    def decode(self, cepstra: Array) -> tuple[Segment, ...]:
        """Return the best reading of one utterance, from normalised cepstra of shape (frames, 13)."""
        if not self._pass_over(cepstra) or self._decoder.hyp() is None:
            return ()
        return tuple(
            Segment(
                _PRONUNCIATION.sub("", found.word),
                found.start_frame,
                found.end_frame,
                min(1.0, max(0.0, float(found.prob))),
            )
            for found in self._decoder.seg() or ()
        )

    def alternatives(self, count: int) -> tuple[Reading, ...]:
        """Return up to `count` further readings of what was decoded last, likeliest first."""
        best = self._decoder.hyp()
        if best is None or count < 1:
            return ()
        best_words = _words(best.hypstr)
        found: dict[tuple[str, ...], float] = {}
        log_scale = _SCORE_UNIT / self._decoder.config["ascale"]
        for looked_at, reading in enumerate(self._decoder.nbest() or ()):
            if reading is None or looked_at >= _READINGS_LOOKED_AT * count or len(found) >= count:
                break
            words = _words(reading.hypstr or "")
            if words and words != best_words:
                found.setdefault(words, float(np.log(max(reading.score, 1e-300))) * log_scale)
        if not found:
            return ()
        likeliest = max(found.values())
        posterior = self.posterior()
        return tuple(
            Reading(words, posterior * float(np.exp(score - likeliest)))
            for words, score in sorted(found.items(), key=lambda item: -item[1])
        )

    def posterior(self) -> float:
        """Return the probability in 0…1 of the best reading of what was decoded last, from the lattice."""
        best = self._decoder.hyp()
        return 0.0 if best is None else min(1.0, max(0.0, float(best.prob)))

    def align(self, cepstra: Array) -> Alignment | None:
        """Return the states of the reading that `decode` just found in these cepstra, if they fit."""
        frames = len(cepstra)
        senones = np.full(frames, -1, np.int32)
        codebooks = np.full(frames, -1, np.int32)
        try:
            self._decoder.set_alignment()
            self._pass_over(cepstra)
            alignment = self._decoder.get_alignment()
            if alignment is None:
                return None
            # An entry dies with its parent: hold the alignment, never keep the entries.
            for word in alignment:
                for phone in word:
                    codebook = self._codebook_of[phone.name]
                    for state in phone:
                        span = slice(state.start, state.start + state.duration)
                        senones[span] = int(state.name)
                        codebooks[span] = codebook
        except RuntimeError:  # how pocketsphinx reports that no path fits
            return None
        finally:
            self._decoder.activate_search()
        return Alignment(senones, codebooks)

    def _pass_over(self, cepstra: Array) -> bool:
        if len(cepstra) == 0:
            return False
        self._decoder.start_utt()
        self._decoder.process_cep(np.ascontiguousarray(cepstra, np.float32).tobytes(), full_utt=True)
        self._decoder.end_utt()
        return True


def _words(text: str) -> tuple[str, ...]:
    return tuple(_PRONUNCIATION.sub("", word) for word in text.split() if word[:1] not in ("<", "[", "+"))
