"""Recognition restricted to a grammar, with a measure of whether it was the grammar that was spoken.

Any speech has a best path through a grammar, if only as noise between its words. What tells its sentences
from other speech is how well the sounds fit that path's words.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import pocketsphinx

from chalicelib.engines.sphinx.acoustics.acoustic_model import GaussianMixtureModel
from chalicelib.engines.sphinx.acoustics.features import Array
from chalicelib.engines.sphinx.goodness import Goodness, SpokenWord
from chalicelib.engines.sphinx.grammar_evidence import CALIBRATION, GrammarEvidence
from chalicelib.language.grammars.grammar_network import GrammarNetwork

LEAST_ACCEPTANCE = 0.3
"""Below it nothing of the grammar was said."""

GRAMMAR = "grammar"


class GrammarSearch:
    """A decoder's search through a grammar, and the judge of what it finds."""

    def __init__(
        self, decoder: pocketsphinx.Decoder, model: GaussianMixtureModel, network: GrammarNetwork
    ) -> None:
        """Give a decoder, made with the acoustic model, the search for a network's sentences."""
        self._decoder = decoder
        self._goodness = Goodness(model)
        with tempfile.TemporaryDirectory(prefix="attune-grammar-") as folder:
            path = Path(folder) / "grammar.fsg"
            path.write_text(_written(network), encoding="utf-8")
            # `create_fsg` does not follow one silent arc after another; reading a file does.
            grammar = pocketsphinx.FsgModel.readfile(str(path), decoder.get_logmath(), decoder.config["lw"])
        decoder.add_fsg(GRAMMAR, grammar)
        decoder.activate_search(GRAMMAR)

    def decode(self, pass_over: Callable[[Array], bool], cepstra: Array) -> float:
        """Decode an utterance; returns the probability in 0…1 that it is of the grammar."""
        found = self.evidence(pass_over, cepstra)
        return 0.0 if found is None else CALIBRATION.probability(found)

    def evidence(self, pass_over: Callable[[Array], bool], cepstra: Array) -> GrammarEvidence | None:
        """Decode an utterance; returns what speaks for the grammar, None without a path or without speech."""
        best = self._decoder.hyp() if pass_over(cepstra) else None
        if best is None or not best.hypstr:
            return None
        words = [
            SpokenWord(
                tuple(self._decoder.lookup_word(found.word).split()),
                found.start_frame,
                min(found.end_frame, len(cepstra) - 1),
            )
            for found in self._decoder.seg() or ()
            if found.word[:1] not in "<[+("
        ]
        return self._goodness.evidence(cepstra, words)


def _written(network: GrammarNetwork) -> str:
    arcs = "".join(
        f"TRANSITION {origin} {target} {probability:.8g}{'' if word is None else f' {word}'}\n"
        for origin, target, probability, word in network.arcs
    )
    return (
        f"FSG_BEGIN {GRAMMAR}\nNUM_STATES {network.states}\nSTART_STATE {network.start}\n"
        f"FINAL_STATE {network.end}\n{arcs}FSG_END\n"
    )
