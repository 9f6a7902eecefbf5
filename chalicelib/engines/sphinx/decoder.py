"""Cepstra to words: pocketsphinx's decoder with this service's settings."""

from __future__ import annotations

import functools
import itertools
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pocketsphinx
from numpy.typing import NDArray

from chalicelib.engines.sphinx.acoustics.acoustic_model import (
    BUNDLED,
    DATA,
    GaussianMixtureModel,
    bundled_model,
)
from chalicelib.engines.sphinx.acoustics.features import CEPSTRA, LOOK_AHEAD_FRAMES, Array
from chalicelib.engines.sphinx.acoustics.model_files import write_gaussians, write_mixture_weights
from chalicelib.engines.sphinx.grammar_evidence import GrammarEvidence
from chalicelib.engines.sphinx.grammar_search import GRAMMAR, LEAST_ACCEPTANCE, GrammarSearch
from chalicelib.engines.sphinx.language import DecoderLanguage
from chalicelib.engines.sphinx.lattices.lattice import Arc, Lattice, read_lattice
from chalicelib.engines.sphinx.lattices.readings import LanguageScore, ScoredReading, best_path, readings
from chalicelib.engines.sphinx.search import QUICK, PathWeights, Search

_SILENCE = "<sil>"
_PRONUNCIATION = re.compile(r"\(\d+\)$")


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


def _silence(silent: NDArray[np.float64], start: int, stop: int) -> Segment:
    return Segment(_SILENCE, start, stop - 1, float(silent[start:stop].max(initial=0.0)))


@dataclass(frozen=True)
class Alignment:
    """What was spoken in each frame, by the best path; -1 where nothing is aligned."""

    senones: NDArray[np.int32]
    """Shape (frames,)."""
    codebooks: NDArray[np.int32]
    """Shape (frames,)."""


class SphinxDecoder:
    """A pocketsphinx decoder over one acoustic model. Results do not depend on what was decoded before."""

    def __init__(
        self,
        model: GaussianMixtureModel,
        search: Search = QUICK,
        language: DecoderLanguage | None = None,
    ) -> None:
        bundled = bundled_model()
        self._is_open = False
        self._last_frame = np.empty((0, CEPSTRA))
        self._lattice: Lattice | None = None
        self._path: tuple[Arc, ...] | None = None
        self._frames = 0  # of what was heard last; the decoder itself does not notice an empty utterance
        self._codebook_of = {phone: index for index, phone in enumerate(model.phones)}
        with tempfile.TemporaryDirectory(prefix="attune-model-") as folder:
            files = {}
            if model.means is not bundled.means:
                files["mean"] = str(Path(folder) / "means")
                write_gaussians(Path(folder) / "means", model.means)
            if model.variances is not bundled.variances:
                files["var"] = str(Path(folder) / "variances")
                write_gaussians(Path(folder) / "variances", model.variances)
            if model.weights is not bundled.weights:
                files["sendump"] = str(Path(folder) / "sendump")
                write_mixture_weights(Path(folder) / "sendump", model.weights)
            self._decoder = pocketsphinx.Decoder(
                hmm=str(BUNDLED),
                featparams=str(
                    DATA / "feat.params"
                ),  # the model's own, less the normalisation, which is ours
                loglevel="FATAL",
                **files,
                **({} if language is None else language.files()),
                **search.settings,
            )

        grammar = None if language is None else language.grammar
        self._grammar = None if grammar is None else GrammarSearch(self._decoder, model, grammar)
        self._acceptance = 1.0
        self._search = None if grammar is None else GRAMMAR
        self._weights = search.best_path if grammar is None else None

    def decode(self, cepstra: Array) -> tuple[Segment, ...]:
        """Return the best reading of one utterance, from normalised cepstra of shape (frames, 13)."""
        if self._grammar is None:
            self._pass_over(cepstra)
        else:
            self._acceptance = self._grammar.decode(self._pass_over, cepstra)
            if self._acceptance < LEAST_ACCEPTANCE:
                self._frames = 0
        return self.best()

    def grammar_evidence(self, cepstra: Array) -> GrammarEvidence | None:
        """Return what speaks for an utterance being of the grammar; None without speech or a grammar."""
        return None if self._grammar is None else self._grammar.evidence(self._pass_over, cepstra)

    @property
    def takes_pieces(self) -> bool:
        """Whether an utterance may be searched while it is spoken; a grammar's is judged as a whole."""
        return self._grammar is None

    def begin(self) -> None:
        """Begin an utterance whose cepstra come in pieces; what was begun before is given up."""
        self.end()
        self._decoder.start_utt()
        self._is_open = True
        self._frames = 0
        self._lattice = self._path = None

    def feed(self, cepstra: Array) -> None:
        """Search through the next normalised cepstra of the utterance that was begun, shape (frames, 13)."""
        if len(cepstra):
            self._search_through(cepstra)
            self._frames += len(cepstra)
            self._last_frame = cepstra[-1:]

    def end(self) -> None:
        """End the utterance that was begun, if one was; `best` and `lattice` are then about the whole."""
        if self._is_open:
            if self._frames:
                # Differences look ahead; at the end of pieces nobody else repeats the last frame.
                self._search_through(np.repeat(self._last_frame, LOOK_AHEAD_FRAMES, axis=0))
            self._is_open = False
            self._decoder.end_utt()

    def best(self) -> tuple[Segment, ...]:
        """Return the best reading, before the end that of what was fed so far, without posteriors."""
        if self._hypothesis() is None:
            return ()
        path = self._best_path()
        return (
            self._own_best()
            if path is None or self._lattice is None
            else self._with_silence(path, self._lattice)
        )

    def _best_path(self) -> tuple[Arc, ...] | None:
        """Return the best path by this search's weights, None where the decoder's own counts."""
        if self._path is None and self._weights is not None and not self._is_open:
            lattice = self.lattice()
            self._path = None if lattice is None else best_path(lattice, self._language_score())
        return self._path

    def _with_silence(self, words: Sequence[Arc], lattice: Lattice) -> tuple[Segment, ...]:
        """Return words with a filler where nothing is said, as likely as at its likeliest moment."""
        silent = 1.0 - lattice.spoken
        segments: list[Segment] = []
        after = 0
        for word in words:
            if word.first_frame > after:
                segments.append(_silence(silent, after, word.first_frame))
            segments.append(Segment(word.text, word.first_frame, word.last_frame, word.posterior))
            after = word.last_frame + 1
        return (*segments, _silence(silent, after, self._frames)) if after < self._frames else tuple(segments)

    def _own_best(self) -> tuple[Segment, ...]:
        return tuple(
            Segment(
                _PRONUNCIATION.sub("", found.word),
                found.start_frame,
                found.end_frame,
                self._acceptance * min(1.0, max(0.0, float(found.prob))),
            )
            for found in self._decoder.seg() or ()
        )

    def lattice(self) -> Lattice | None:
        """Return the lattice of what was decoded last, None when nothing was."""
        if self._lattice is None and self._hypothesis() is not None:
            lattice = self._decoder.get_lattice()
            self._lattice = None if lattice is None else read_lattice(lattice, self._frames)
        return self._lattice

    def readings(self, lattice: Lattice, count: int) -> tuple[ScoredReading, ...]:
        """Return up to `count` readings with at least one word, best score first."""
        spoken = (reading for reading in readings(lattice, self._language_score()) if reading.words)
        return tuple(itertools.islice(spoken, count))

    def flattened(self, score: float) -> float:
        """Return a difference of scores as a ratio of probabilities, as flat as the posteriors are."""
        return float(np.exp(score / self._decoder.config["ascale"]))

    def _search_through(self, cepstra: Array) -> None:
        # One by one: before its first whole utterance the decoder's buffers hold a few frames only, and
        # it loses frames, its result, or its life over a longer piece.
        for frame in np.ascontiguousarray(cepstra, np.float32):
            self._decoder.process_cep(frame.tobytes())

    def _hypothesis(self) -> pocketsphinx.Hypothesis | None:
        return self._decoder.hyp() if self._frames else None

    def _language_score(self) -> LanguageScore:
        model = self._decoder.get_lm()
        if model is None:  # a grammar's readings differ in their sounds alone
            return lambda *_: 0.0
        config, natural = self._decoder.config, self._decoder.get_logmath().log_to_ln
        # Without weights of its own, those of `ps_lattice_bestpath`, which multiplies the penalty too.
        more = config["bestpathlw"] / config["lw"]
        weights = self._weights or PathWeights(config["bestpathlw"], more * float(np.log(config["wip"])))

        @functools.cache
        def score(word: str, last: str, before: str) -> float:
            history = [word, last, before] if before else [word, last]
            return float(weights.language * natural(model.prob(history)) + weights.word)

        return score

    def posterior(self) -> float:
        """Return the probability in 0…1 of the best reading of what was decoded last, from the lattice."""
        best = self._hypothesis()
        return 0.0 if best is None else self._acceptance * min(1.0, max(0.0, float(best.prob)))

    def align(self, cepstra: Array) -> Alignment | None:
        """Return the states of the reading that `decode` just found in these cepstra, if they fit."""
        path = None if self._hypothesis() is None else self._best_path()
        words = [word.text for word in path or ()]
        if words and words != [found.word for found in self._own_best() if not found.is_filler]:
            return self.align_text(cepstra, words)
        try:
            return self._states(cepstra)
        except RuntimeError:  # how pocketsphinx reports that no path fits
            return None
        finally:
            self._decoder.activate_search(self._search)

    def align_text(self, cepstra: Array, words: Sequence[str]) -> Alignment | None:
        """Return the states of words, in the decoder's spelling, that were spoken in these cepstra.

        None when they do not fit, or one is not in the dictionary.
        """
        config = self._decoder.config
        by_lattice, config["bestpath"] = config["bestpath"], False
        try:
            # The search keeps the setting that it begins with. A lattice's best path gives words the silence
            # after them, and times into which their states do not fit: one utterance in ten was lost.
            self._decoder.set_align_text(" ".join(words))
            config["bestpath"] = by_lattice
            if not self._pass_over(cepstra) or self._decoder.hyp() is None:
                return None
            return self._states(cepstra)
        except RuntimeError:
            return None
        finally:
            config["bestpath"] = by_lattice
            self._decoder.activate_search(self._search)

    def _states(self, cepstra: Array) -> Alignment | None:
        """Align the states of what was decoded last.

        Raises:
            RuntimeError: no path fits.
        """
        frames = len(cepstra)
        senones = np.full(frames, -1, np.int32)
        codebooks = np.full(frames, -1, np.int32)
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
        return Alignment(senones, codebooks)

    def _pass_over(self, cepstra: Array) -> bool:
        self.end()
        self._lattice = self._path = None
        self._frames = len(cepstra)
        if len(cepstra) == 0:
            return False
        self._decoder.start_utt()
        self._decoder.process_cep(np.ascontiguousarray(cepstra, np.float32).tobytes(), full_utt=True)
        self._decoder.end_utt()
        return True
