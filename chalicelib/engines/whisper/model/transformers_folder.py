"""Reads a Whisper network as transformers keeps it, with safetensors, into the form of CTranslate2."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chalicelib.engines.errors import ModelUnreadable
from chalicelib.engines.whisper.model import safetensors_file
from chalicelib.engines.whisper.model.model_file import Arrays, ModelFile

_WHOLE = {
    "encoder/position_encodings/encodings": "encoder.embed_positions.weight",
    "decoder/position_encodings/encodings": "decoder.embed_positions.weight",
    "decoder/embeddings/weight": "decoder.embed_tokens.weight",
}
_CONSTANTS: Arrays = {
    "decoder/activation": np.array(3, np.int8),  # GELU
    "decoder/alibi": np.array(0, np.int8),
    "decoder/alignment_heads": np.array(1, np.int16),
    "decoder/alignment_layer": np.array(-1, np.int16),
    "decoder/pre_norm": np.array(1, np.int8),
    "decoder/scale_embeddings": np.array(0, np.int8),
    "decoder/start_from_zero_embedding": np.array(0, np.int8),
}
_ALIASES = {"decoder/projection/weight": "decoder/embeddings/weight"}
_INDEX, _ONE_FILE = "model.safetensors.index.json", "model.safetensors"
_TIME_STEP_S = 0.02

State = dict[str, NDArray[Any]]
"""Arrays by transformers' names, without the `model.` before them."""


@dataclass(frozen=True)
class FolderNetwork:
    """What a folder holds, in CTranslate2's form."""

    model: ModelFile
    vocabulary: list[str]
    config: dict[str, Any]


def weights(folder: Path) -> list[Path]:
    """Return the files of safetensors that are one network; none where there are none.

    Raises:
        ModelUnreadable: there are several, and nothing says which belong together.
    """
    if (folder / _ONE_FILE).is_file():
        return [folder / _ONE_FILE]
    if (folder / _INDEX).is_file():
        named = json_object(folder / _INDEX).get("weight_map")
        if not isinstance(named, dict) or not all(isinstance(name, str) for name in named.values()):
            raise ModelUnreadable(f"{folder / _INDEX} names no files")
        files = [folder / Path(name).name for name in sorted(set(named.values()))]
        if missing := [path for path in files if not path.is_file()]:
            raise ModelUnreadable(f"{folder} is not whole: it has no {missing[0].name}")
        return files
    files = sorted(folder.glob("*.safetensors"))
    if len(files) > 1:
        raise ModelUnreadable(f"{folder} has {len(files)} files of safetensors, and no {_INDEX}")
    return files


def read(folder: Path) -> FolderNetwork:
    """Read a network.

    Raises:
        ModelUnreadable: a file is missing or damaged, or it is another network than Whisper.
    """
    config = json_object(folder / "config.json")
    if config.get("model_type") != "whisper":
        raise ModelUnreadable(
            f"{folder / 'config.json'} describes a network of another type than 'whisper': "
            f"{config.get('model_type')!r}"
        )
    if config.get("activation_function", "gelu") != "gelu" or config.get("scale_embedding", False):
        raise ModelUnreadable(f"{folder / 'config.json'} asks for what no Whisper network of OpenAI has")
    state: State = {}
    for path in weights(folder):
        state |= {name.removeprefix("model."): array for name, array in safetensors_file.read(path).items()}
    generation = folder / "generation_config.json"
    told = {**config, **(json_object(generation) if generation.is_file() else {})}
    return FolderNetwork(
        ModelFile(_arrays(state, config, folder), dict(_ALIASES)),
        _vocabulary(folder, _number(config, "vocab_size", folder)),
        _settings(told, config, folder),
    )


def json_object(path: Path) -> dict[str, Any]:
    """Read a file of JSON.

    Raises:
        ModelUnreadable: it is missing, or holds no object.
    """
    try:
        fields = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise ModelUnreadable(f"{path.parent} has no {path.name}") from None
    except (OSError, ValueError, RecursionError) as error:
        raise ModelUnreadable(f"{path} cannot be read: {error}") from None
    if not isinstance(fields, dict):
        raise ModelUnreadable(f"{path} holds no object")
    return fields


def _number(config: Mapping[str, Any], name: str, folder: Path) -> int:
    value = config.get(name)
    if not isinstance(value, int) or value < 1:
        raise ModelUnreadable(f"{folder / 'config.json'} has no number {name}")
    return value


def _arrays(state: State, config: Mapping[str, Any], folder: Path) -> Arrays:
    heads = {_number(config, f"{side}_attention_heads", folder) for side in ("encoder", "decoder")}
    if len(heads) != 1:
        raise ModelUnreadable(f"{folder / 'config.json'}: encoder and decoder have unlike numbers of heads")
    count = np.array(heads.pop(), np.int16)
    try:
        arrays = {ours: state[theirs] for ours, theirs in _WHOLE.items()}
        for side in ("encoder", "decoder"):
            layers = _number(config, f"{side}_layers", folder)
            if f"{side}.layers.{layers}.fc1.weight" in state:
                raise ModelUnreadable(f"{folder} has more layers in its {side} than the {layers} it names")
            arrays |= dict(_of_side(state, side, layers))
    except KeyError as missing:
        raise ModelUnreadable(f"{folder} is not whole: the network has no {missing.args[0]}") from None
    except ValueError as error:
        raise ModelUnreadable(f"{folder} has arrays that do not fit together: {error}") from None
    arrays |= {"encoder/num_heads": count, "decoder/num_heads": count, **_CONSTANTS}
    return dict(sorted(arrays.items()))


def _of_side(state: State, side: str, layers: int) -> Iterator[tuple[str, NDArray[Any]]]:
    if side == "encoder":
        for name, part in product(("conv1", "conv2"), ("weight", "bias")):
            yield f"encoder/{name}/{part}", state[f"encoder.{name}.{part}"]
    yield from _norm(state, f"{side}/layer_norm", f"{side}.layer_norm")
    for layer in range(layers):
        ours, theirs = f"{side}/layer_{layer}", f"{side}.layers.{layer}"
        yield from _norm(state, f"{ours}/self_attention/layer_norm", f"{theirs}.self_attn_layer_norm")
        yield from _norm(state, f"{ours}/ffn/layer_norm", f"{theirs}.final_layer_norm")
        stacked = {
            f"{ours}/self_attention/linear_0": [f"{theirs}.self_attn.{one}_proj" for one in "qkv"],
            f"{ours}/self_attention/linear_1": [f"{theirs}.self_attn.out_proj"],
            f"{ours}/ffn/linear_0": [f"{theirs}.fc1"],
            f"{ours}/ffn/linear_1": [f"{theirs}.fc2"],
        }
        if side == "decoder":
            yield from _norm(state, f"{ours}/attention/layer_norm", f"{theirs}.encoder_attn_layer_norm")
            stacked |= {
                f"{ours}/attention/linear_0": [f"{theirs}.encoder_attn.q_proj"],
                f"{ours}/attention/linear_1": [f"{theirs}.encoder_attn.{one}_proj" for one in "kv"],
                f"{ours}/attention/linear_2": [f"{theirs}.encoder_attn.out_proj"],
            }
        for name, pieces in stacked.items():
            yield f"{name}/weight", np.concatenate([state[f"{piece}.weight"] for piece in pieces])
            yield f"{name}/bias", np.concatenate([_bias(state, piece) for piece in pieces])


def _bias(state: State, name: str) -> NDArray[Any]:
    if name.endswith("k_proj"):  # keys have no bias
        weight = state[f"{name}.weight"]
        return np.zeros(len(weight), weight.dtype)
    return state[f"{name}.bias"]


def _norm(state: State, ours: str, theirs: str) -> Iterator[tuple[str, NDArray[Any]]]:
    yield f"{ours}/gamma", state[f"{theirs}.weight"]
    yield f"{ours}/beta", state[f"{theirs}.bias"]


def _vocabulary(folder: Path, size: int) -> list[str]:
    """Return the tokens in the order of their ids; time stamps may be missing in the files."""
    places: dict[str, int] = {}
    if (folder / "tokenizer.json").is_file():
        whole = json_object(folder / "tokenizer.json")
        model, added = whole.get("model"), whole.get("added_tokens")
        if isinstance(model, dict) and isinstance(model.get("vocab"), dict):
            places |= model["vocab"]
        if isinstance(added, list):
            places |= {one["content"]: one["id"] for one in added if isinstance(one, dict) and len(one) > 1}
    else:
        places |= json_object(folder / "vocab.json")
        if (folder / "added_tokens.json").is_file():
            places |= json_object(folder / "added_tokens.json")
    tokens = {place: token for token, place in places.items() if isinstance(place, int)}
    count = len(tokens)
    if sorted(tokens) != list(range(count)):
        raise ModelUnreadable(f"{folder} has a vocabulary with gaps, or with two tokens of one number")
    times = [f"<|{_TIME_STEP_S * number:.2f}|>" for number in range(max(0, size - count))]
    return [tokens[place] for place in range(count)] + times


def _settings(told: Mapping[str, Any], config: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    layers, heads = (_number(config, f"decoder_{what}", folder) for what in ("layers", "attention_heads"))
    languages = told.get("lang_to_id")
    # Without better knowledge the upper half of the decoder is looked at, as OpenAI does.
    upper = [list(pair) for pair in product(range(layers // 2, layers), range(heads))]
    found: dict[str, Any] = {
        "suppress_ids": told.get("suppress_tokens") or [],
        "suppress_ids_begin": told.get("begin_suppress_tokens") or [],
        "alignment_heads": told.get("alignment_heads") or upper,
    }
    if isinstance(languages, dict):
        found["lang_ids"] = sorted(languages.values())
    return found
