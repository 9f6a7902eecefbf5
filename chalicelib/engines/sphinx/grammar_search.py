"""Recognition restricted to a grammar, with a measure of whether it was the grammar that was spoken.

Any speech has a best path through a grammar. What tells its sentences from other speech is how that path
scores against a loop of phones, which can follow whatever is said.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable
from pathlib import Path

import pocketsphinx

from chalicelib.engines.sphinx.features import Array
from chalicelib.engines.vocabulary import bundled_language_folder
from chalicelib.language.grammar_network import Network

LEAST_ACCEPTANCE = 0.1
"""Below it nothing of the grammar was said."""

_PHONES = "phones"
GRAMMAR = "grammar"
_SCORE_UNIT = 1024  # the decoder's scores are shifted by ten bits
_EVEN_RATIO, _RATIO_SCALE = 0.03, 0.06
"""The log-likelihood ratio a frame at which both are equally likely, and its scale.

Set on the training half of AN4: a grammar of digits told digits from spelt words (area under the curve 0.99).
"""


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
        self._decoder.activate_search(_PHONES)
        heard = pass_over(cepstra)
        phones = self._decoder.hyp() if heard else None
        phone_score = -math.inf if phones is None else _log(phones.score)
        self._decoder.activate_search(GRAMMAR)
        if phones is None or not pass_over(cepstra):
            return 0.0
        best = self._decoder.hyp()
        if best is None or not best.hypstr:
            return 0.0
        ratio = (_log(best.score) - phone_score) / len(cepstra)
        return 1 / (1 + math.exp(min(50.0, (_EVEN_RATIO - ratio) / _RATIO_SCALE)))


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
