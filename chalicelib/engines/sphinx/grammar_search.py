"""Recognition restricted to a grammar, with a measure of whether it was the grammar that was spoken.

Any speech has a best path through a grammar, if only as noise between its words. What tells its sentences
from other speech is how that path compares with a loop of phones, which can follow whatever is said.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pocketsphinx
from numpy.typing import NDArray

from chalicelib.engines.sphinx.features import Array
from chalicelib.engines.sphinx.grammar_evidence import CALIBRATION, Evidence
from chalicelib.engines.vocabulary import bundled_language_folder
from chalicelib.language.grammar_network import Network

LEAST_ACCEPTANCE = 0.3
"""Below it nothing of the grammar was said."""

GRAMMAR = "grammar"
_PHONES = "phones"
_SCORE_UNIT = 1024  # the decoder's scores are shifted by ten bits
_SILENCE = "SIL"


class GrammarSearch:
    """A decoder's two searches: the grammar's, and the loop of phones to compare it with."""

    def __init__(self, decoder: pocketsphinx.Decoder, network: Network) -> None:
        self._decoder = decoder
        with tempfile.TemporaryDirectory(prefix="attune-grammar-") as folder:
            path = Path(folder) / "grammar.fsg"
            path.write_text(_written(network), encoding="utf-8")
            # `create_fsg` does not follow one silent arc after another; reading a file does.
            grammar = pocketsphinx.FsgModel.readfile(str(path), decoder.get_logmath(), decoder.config["lw"])
        decoder.add_fsg(GRAMMAR, grammar)
        decoder.add_allphone_file(_PHONES, str(bundled_language_folder() / "en-us-phone.lm.bin"))
        decoder.activate_search(GRAMMAR)

    def decode(self, pass_over: Callable[[Array], bool], cepstra: Array) -> float:
        """Decode an utterance; returns the probability in 0…1 that it is of the grammar."""
        found = self.evidence(pass_over, cepstra)
        return 0.0 if found is None else CALIBRATION.probability(found)

    def evidence(self, pass_over: Callable[[Array], bool], cepstra: Array) -> Evidence | None:
        """Decode an utterance; returns what speaks for the grammar, None without a path or without speech."""
        self._decoder.activate_search(_PHONES)
        phones = self._decoder.hyp() if pass_over(cepstra) else None
        if phones is None:
            self._decoder.activate_search(GRAMMAR)
            return None
        followed = list(self._decoder.seg() or ())
        phone_score, phonotactics = _log(phones.score), sum(_log(phone.lscore) for phone in followed)
        is_speech = _marked(followed, len(cepstra))
        self._decoder.activate_search(GRAMMAR)
        best = self._decoder.hyp() if pass_over(cepstra) else None
        if best is None or not best.hypstr or not is_speech.any():
            return None
        speech = int(is_speech.sum())
        in_words = _marked(list(self._decoder.seg() or ()), len(cepstra))
        return Evidence(
            match=(_log(best.score) - (phone_score - phonotactics)) / speech,
            phonotactics=phonotactics / speech,
            coverage=int((in_words & is_speech).sum()) / speech,
        )


def _marked(path: Sequence[pocketsphinx.Segment], frames: int) -> NDArray[np.bool_]:
    """Return which frames of a path lie in its words or phones, not in silence or noise."""
    marked = np.zeros(frames, np.bool_)
    for found in path:
        if found.word != _SILENCE and found.word[:1] not in "<[+(":
            marked[found.start_frame : found.end_frame + 1] = True
    return marked


def _written(network: Network) -> str:
    arcs = "".join(
        f"TRANSITION {origin} {target} {probability:.8g}{'' if word is None else f' {word}'}\n"
        for origin, target, probability, word in network.arcs
    )
    return (
        f"FSG_BEGIN {GRAMMAR}\nNUM_STATES {network.states}\nSTART_STATE {network.start}\n"
        f"FINAL_STATE {network.end}\n{arcs}FSG_END\n"
    )


def _log(score: float) -> float:
    return math.log(max(score, 1e-300)) * _SCORE_UNIT
