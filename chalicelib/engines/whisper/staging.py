"""Makes a staged base of a folder: read, checked, quantised and written in the form of CTranslate2."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from chalicelib.engines.errors import ModelUnreadable
from chalicelib.engines.protocol import Samples
from chalicelib.engines.staging import Measured, PreparedBase
from chalicelib.engines.whisper.decoding.windows import RULES
from chalicelib.engines.whisper.engine import WhisperEngine
from chalicelib.engines.whisper.mel import SAMPLE_RATE_HZ, WHOLE
from chalicelib.engines.whisper.model import safetensors_file, transformers_folder
from chalicelib.engines.whisper.model.architecture import Architecture, checked
from chalicelib.engines.whisper.model.merging import MODEL, REMAINDERS
from chalicelib.engines.whisper.model.model_file import ModelFile, model_bytes, quantised, read_model
from chalicelib.engines.whisper.model.remainders import remainders
from chalicelib.engines.whisper.tokens import Tokens, read_vocabulary

CONFIG, VOCABULARY = "config.json", "vocabulary.json"
_PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl", "*.pickle")
_PICKLED = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
_MULTILINGUAL = 51_865
"""From so many tokens on a network is one of many languages."""
_EMPTY = ""
"""A token of every vocabulary of many languages, by which CTranslate2 knows one."""
_ALIGNMENT = "alignment_heads"


@dataclass(frozen=True)
class _Found:
    """A network as it lies in the source."""

    model: ModelFile
    vocabulary: Sequence[str]
    config: dict[str, Any]


def weights(source: Path) -> list[Path]:
    """Return the files that hold the weights, of which none may be a pickle.

    Raises:
        ModelUnreadable: there are none that may be read.
    """
    if not source.is_dir():
        raise ModelUnreadable(f"{source} is no folder")
    model = source / MODEL
    if model.is_file() and not _is_pickled(model):
        return [model]
    if tensors := transformers_folder.weights(source):
        return tensors
    pickles = sorted({path.name for form in _PICKLES for path in source.glob(form)})
    if pickles:
        raise ModelUnreadable(
            f"{source} has its weights in {pickles[0]}, a pickle: reading one runs any program in it. "
            "So it is refused. Get the same weights as *.safetensors, or converted for CTranslate2 "
            "(ct2-transformers-converter)."
        )
    raise ModelUnreadable(
        f"{source} holds no Whisper network: neither {MODEL} of CTranslate2 nor *.safetensors of transformers"
    )


def prepare(source: Path, target: Path) -> PreparedBase:
    """Write the network of a folder into another one, in eight bits.

    Args:
        source: files of CTranslate2 (`model.bin`), or of transformers (`*.safetensors`).
        target: an empty folder.

    Raises:
        ModelUnreadable: it is no whole Whisper network, or would have to be read from pickles.
    """
    found = _read(source)
    architecture = checked(found.model)
    tokens = Tokens(found.vocabulary)
    if tokens.size != architecture.vocabulary:
        raise ModelUnreadable(
            f"{source} has a vocabulary of {tokens.size} tokens, and a network of {architecture.vocabulary}: "
            "they do not belong together"
        )
    config = _checked_config(found.config, architecture, source)
    multilingual = architecture.vocabulary >= _MULTILINGUAL
    if multilingual and not (tokens.languages and _EMPTY in found.vocabulary):
        raise ModelUnreadable(f"{source} has a vocabulary without languages, or without the empty token")
    in_eight_bits = quantised(found.model)
    (target / MODEL).write_bytes(model_bytes(in_eight_bits))
    # What changes are merged with; nothing where the source was in eight bits already.
    (target / REMAINDERS).write_bytes(safetensors_file.packed(remainders(found.model, in_eight_bits), {}))
    (target / CONFIG).write_text(json.dumps(config, indent=1), encoding="utf-8")
    (target / VOCABULARY).write_text(json.dumps(list(found.vocabulary), ensure_ascii=False), encoding="utf-8")
    return PreparedBase(
        (MODEL, REMAINDERS, CONFIG, VOCABULARY),
        tokens.languages if multilingual else ("en",),
        multilingual,
        sum(math.prod(shape) for shape in architecture.shapes().values()),
        f"{architecture.encoder_layers} + {architecture.decoder_layers} layers, {architecture.width} wide",
    )


def measure(folder: Path, language: str | None, samples: Samples) -> Measured:
    """Load a prepared folder and recognise a clip with it, the second time on the clock.

    Raises:
        ModelUnreadable: it cannot be loaded.
    """
    started_s = time.perf_counter()
    recognizer = WhisperEngine(folder, language, replace(RULES, window=WHOLE), device="cpu").load("")
    loaded_s = time.perf_counter()
    recognizer.recognize(samples)
    begun_s = time.perf_counter()
    readings = recognizer.recognize(samples).hypotheses
    ended_s = time.perf_counter()
    text = readings[0].text if readings else ""
    return Measured(loaded_s - started_s, ended_s - begun_s, len(samples) / SAMPLE_RATE_HZ, text)


def _read(source: Path) -> _Found:
    [first, *_] = weights(source)
    if first.name == MODEL:
        config = transformers_folder.json_object(source / CONFIG)
        return _Found(read_model(first), read_vocabulary(source), config)
    network = transformers_folder.read(source)
    return _Found(network.model, network.vocabulary, network.config)


def _is_pickled(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4).startswith(_PICKLED)


def _checked_config(config: dict[str, Any], architecture: Architecture, source: Path) -> dict[str, Any]:
    """Return the settings that CTranslate2 reads, after they were found to fit the network."""
    heads = config.get(_ALIGNMENT)
    if not isinstance(heads, list) or not heads:
        raise ModelUnreadable(f"{source / CONFIG} names no alignment heads: it is no Whisper network")
    for pair in heads:
        if not (
            isinstance(pair, list)
            and len(pair) == 2
            and all(isinstance(one, int) for one in pair)
            and 0 <= pair[0] < architecture.decoder_layers
            and 0 <= pair[1] < architecture.heads
        ):
            raise ModelUnreadable(
                f"{source / CONFIG} names an alignment head {pair} that the network has not"
            )
    for name in ("lang_ids", "suppress_ids", "suppress_ids_begin"):
        ids = config.get(name, [])
        if not isinstance(ids, list) or not all(
            isinstance(one, int) and -1 <= one < architecture.vocabulary for one in ids
        ):
            raise ModelUnreadable(f"{source / CONFIG} has {name} that the vocabulary does not")
    return config
