"""The sizes of a Whisper network, and whether a model file holds all of one, in shapes that fit together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from chalicelib.engines.errors import ModelUnreadable
from chalicelib.engines.whisper.model.model_file import Arrays, ModelFile, is_linear

_BANDS = (80, 128)
_PROJECTION, _EMBEDDINGS = "decoder/projection/weight", "decoder/embeddings/weight"
_HEADS = ("encoder/num_heads", "decoder/num_heads")


@dataclass(frozen=True)
class Architecture:
    """How large a network is."""

    bands: int
    """Of the features."""
    width: int
    heads: int
    encoder_layers: int
    decoder_layers: int
    vocabulary: int
    encoder_positions: int = 1500
    decoder_positions: int = 448

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of each array that the network must have."""
        width = self.width
        return {
            "encoder/conv1/weight": (width, self.bands, 3),
            "encoder/conv1/bias": (width,),
            "encoder/conv2/weight": (width, width, 3),
            "encoder/conv2/bias": (width,),
            "encoder/position_encodings/encodings": (self.encoder_positions, width),
            "decoder/position_encodings/encodings": (self.decoder_positions, width),
            _EMBEDDINGS: (self.vocabulary, width),
            **dict(self._norm("encoder/layer_norm")),
            **dict(self._norm("decoder/layer_norm")),
            **dict(self._layers("encoder", self.encoder_layers)),
            **dict(self._layers("decoder", self.decoder_layers)),
        }

    def _norm(self, name: str) -> Iterator[tuple[str, tuple[int, ...]]]:
        yield from ((f"{name}/gamma", (self.width,)), (f"{name}/beta", (self.width,)))

    def _layers(self, side: str, count: int) -> Iterator[tuple[str, tuple[int, ...]]]:
        width = self.width
        linear = {
            "self_attention/linear_0": (3 * width, width),
            "self_attention/linear_1": (width, width),
            "ffn/linear_0": (4 * width, width),
            "ffn/linear_1": (width, 4 * width),
        }
        norms = ["self_attention/layer_norm", "ffn/layer_norm"]
        if side == "decoder":
            linear |= {
                "attention/linear_0": (width, width),
                "attention/linear_1": (2 * width, width),
                "attention/linear_2": (width, width),
            }
            norms.append("attention/layer_norm")
        for layer in range(count):
            for name, shape in linear.items():
                yield f"{side}/layer_{layer}/{name}/weight", shape
                yield f"{side}/layer_{layer}/{name}/bias", shape[:1]
            for name in norms:
                yield from self._norm(f"{side}/layer_{layer}/{name}")


def checked(model: ModelFile) -> Architecture:
    """Return the architecture of a network, after all of its arrays were found whole.

    Raises:
        ModelUnreadable: an array is missing, has a shape that does not fit, or values that are no numbers.
    """
    found = _sizes(model.arrays)
    for name, shape in found.shapes().items():
        array = model.arrays.get(name)
        if array is None:
            raise ModelUnreadable(f"the network is not whole: it has no {name}")
        if array.shape != shape:
            raise ModelUnreadable(f"{name} has the shape {array.shape}; {shape} would fit the other arrays")
        if array.dtype == np.int8:
            scale = model.arrays.get(f"{name}_scale")
            if not is_linear(name) or scale is None or scale.shape != shape[:1]:
                raise ModelUnreadable(f"{name} is quantised, but has no factor for each row")
        elif not np.issubdtype(array.dtype, np.floating):
            raise ModelUnreadable(f"{name} is of type {array.dtype}, which no Whisper network has")
    for name, array in model.arrays.items():
        if np.issubdtype(array.dtype, np.floating) and not np.isfinite(array).all():
            raise ModelUnreadable(f"{name} has values that are no numbers")
    if _PROJECTION not in model.arrays and model.aliases.get(_PROJECTION) != _EMBEDDINGS:
        raise ModelUnreadable(f"the network is not whole: it has no {_PROJECTION}")
    return found


def _sizes(arrays: Arrays) -> Architecture:
    try:
        convolution, embeddings = arrays["encoder/conv1/weight"], arrays[_EMBEDDINGS]
        heads, of_decoder = (int(arrays[name]) for name in _HEADS)
        (width, bands, _), (vocabulary, _) = convolution.shape, embeddings.shape
    except KeyError as missing:
        raise ModelUnreadable(f"the network is not whole: it has no {missing.args[0]}") from None
    except (ValueError, TypeError):
        raise ModelUnreadable(
            "the first convolution, the embeddings or the heads have no fit shape"
        ) from None
    if bands not in _BANDS:
        raise ModelUnreadable(f"the network takes {bands} bands; Whisper networks take 80 or 128")
    if heads != of_decoder or heads < 1 or width % heads:
        raise ModelUnreadable(f"{heads} and {of_decoder} heads do not fit a width of {width}")
    encoder, decoder = (_layers(arrays, side) for side in ("encoder", "decoder"))
    if not encoder or not decoder:
        raise ModelUnreadable(f"the network has {encoder} layers before and {decoder} behind")
    return Architecture(bands, width, heads, encoder, decoder, vocabulary)


def _layers(arrays: Arrays, side: str) -> int:
    """Return how many layers there are, by the highest number among them."""
    numbers = [
        int(number)
        for name in arrays
        if name.startswith(f"{side}/layer_")
        and (number := name.split("/")[1].removeprefix("layer_")).isdigit()
    ]
    return max(numbers, default=-1) + 1
