"""The light engine: pocketsphinx behind the protocol of all engines."""

from __future__ import annotations

import dataclasses

import numpy as np

from chalicelib.engines.collected import CollectedStream
from chalicelib.engines.display import Display
from chalicelib.engines.errors import CustomizationUnsupported, ModelUnreadable
from chalicelib.engines.protocol import (
    BASE_ALONE,
    DEFAULT_OPTIONS,
    CustomModels,
    DecodedUtterance,
    DecodingOptions,
    Recognizer,
    Samples,
    UtteranceStream,
)
from chalicelib.engines.sphinx.acoustics.acoustic_model import (
    VARIANCE_FLOOR,
    AcousticBase,
    GaussianMixtureModel,
    load_base,
)
from chalicelib.engines.sphinx.answer import answer
from chalicelib.engines.sphinx.artefact import NOISE_SUPPRESSION, Arrays, read_artefact
from chalicelib.engines.sphinx.decoder import SphinxDecoder
from chalicelib.engines.sphinx.language import DecoderLanguage, decoder_spelling, load_language
from chalicelib.engines.sphinx.search import settings_of
from chalicelib.engines.sphinx.streaming import SphinxStream

_SIZE_BYTES = 100_000_000


class SphinxEngine:
    """Loads base versions of the bundled model, adapted or not."""

    def load(self, base_version: str, custom: CustomModels = BASE_ALONE) -> Recognizer:
        """Load a base version with the custom acoustic and language models that are given.

        Raises:
            KeyError: no served model has that version.
            ModelUnreadable: the artefact is damaged or made for another base version.
            CustomizationUnsupported: a grammar is asked for without the language model that holds it.
        """
        if custom.language_model is None and custom.grammar_name is not None:
            raise CustomizationUnsupported("a grammar needs the custom language model that holds it")
        adapted_model = custom.adapted_model
        arrays = None if adapted_model is None else read_artefact(adapted_model, base_version)
        language = load_language(custom, base_version)
        if arrays is None:
            base = load_base(base_version)
            return SphinxRecognizer(base, base.model, language)
        base = load_base(base_version, suppresses_noise=NOISE_SUPPRESSION in arrays)
        return SphinxRecognizer(base, adapted(base.model, arrays), language)


class SphinxRecognizer:
    """A base version with its own or an adapted model, loaded."""

    def __init__(
        self, base: AcousticBase, model: GaussianMixtureModel, language: DecoderLanguage | None = None
    ) -> None:
        self._base = base
        self._decoder = SphinxDecoder(model, settings_of(base.version), language)
        self._display = Display({} if language is None else language.shown, decoder_spelling)

    @property
    def sample_rate_hz(self) -> int:
        """Rate of the samples that `recognize` takes."""
        return self._base.rate_hz

    @property
    def size_bytes(self) -> int:
        """About what a decoder with its language model takes."""
        return _SIZE_BYTES

    def recognize(self, samples: Samples, options: DecodingOptions = DEFAULT_OPTIONS) -> DecodedUtterance:
        """Decode one utterance; empty when nothing was said."""
        segments = self._decoder.decode(self._base.cepstra(samples))
        return answer(self._decoder, segments, options, self._display)

    def stream(self) -> UtteranceStream:
        """Begin an utterance that is recognised while it is spoken."""
        if self._base.suppresses_noise or not self._decoder.takes_pieces:
            return CollectedStream(self)  # its noise is not known before, or a grammar judges the whole
        return SphinxStream(self._base, self._decoder, self._display)


def adapted(model: GaussianMixtureModel, arrays: Arrays) -> GaussianMixtureModel:
    """Return a model with its means replaced, and variances and mixture weights if there are any.

    NOISE_SUPPRESSION among the arrays is not about the model, but about the front end before it.

    Raises:
        ModelUnreadable: the arrays do not belong to such a model.
    """
    arrays = {name: array for name, array in arrays.items() if name != NOISE_SUPPRESSION}
    shapes = {"means": model.means.shape, "variances": model.means.shape, "weights": model.weights.shape}
    unknown = arrays.keys() - shapes.keys()
    if unknown or "means" not in arrays:
        raise ModelUnreadable(f"the adapted model holds {', '.join(sorted(arrays)) or 'nothing'}, not means")
    for name, array in arrays.items():
        if array.shape != shapes[name] or not np.isfinite(array).all():
            raise ModelUnreadable(f"the {name} of the adapted model do not fit its base")
    variances, weights = arrays.get("variances"), arrays.get("weights")
    return dataclasses.replace(
        model,
        means=arrays["means"].astype(np.float64),
        variances=model.variances
        if variances is None
        else np.maximum(variances.astype(np.float64), VARIANCE_FLOOR),
        weights=model.weights if weights is None else weights.astype(np.float64),
    )
