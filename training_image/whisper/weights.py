"""Whisper's weights between the names of CTranslate2's model file and those of transformers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from peft import PeftModel
from transformers import WhisperConfig, WhisperForConditionalGeneration

from chalicelib.engines.whisper.model.low_rank import Change
from chalicelib.engines.whisper.model.model_file import Arrays, ModelFile

ADAPTED = ("q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2")
"""Every linear layer; not `proj_out`, which is the embeddings once more."""
ADAPTED_OF_ENCODER = rf".*\.encoder\.layers\..*\.({'|'.join(ADAPTED)})"
"""An expression for those of the encoder alone."""
_PARTS = {"weight": "weight", "bias": "bias", "gamma": "weight", "beta": "bias"}
_WHOLE = {
    "encoder/position_encodings/encodings": "model.encoder.embed_positions.weight",
    "decoder/position_encodings/encodings": "model.decoder.embed_positions.weight",
    "decoder/embeddings/weight": "model.decoder.embed_tokens.weight",
}


def layers(arrays: Arrays) -> dict[str, int]:
    """Return how many layers encoder and decoder have: fewer behind than before in a faster network."""
    return {
        side: sum(name.startswith(f"{side}/") and name.endswith("/ffn/linear_0/weight") for name in arrays)
        for side in ("encoder", "decoder")
    }


def _linear(counts: Mapping[str, int]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each linear layer with what transformers splits it into."""
    for side, count in counts.items():
        for layer in range(count):
            ours, theirs = f"{side}/layer_{layer}", f"model.{side}.layers.{layer}"
            yield f"{ours}/self_attention/linear_0", tuple(f"{theirs}.self_attn.{one}_proj" for one in "qkv")
            yield f"{ours}/self_attention/linear_1", (f"{theirs}.self_attn.out_proj",)
            yield f"{ours}/ffn/linear_0", (f"{theirs}.fc1",)
            yield f"{ours}/ffn/linear_1", (f"{theirs}.fc2",)
            if side == "decoder":
                yield f"{ours}/attention/linear_0", (f"{theirs}.encoder_attn.q_proj",)
                yield f"{ours}/attention/linear_1", tuple(f"{theirs}.encoder_attn.{one}_proj" for one in "kv")
                yield f"{ours}/attention/linear_2", (f"{theirs}.encoder_attn.out_proj",)


def _others(counts: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    """Yield convolutions and normalisations, without the last part of their names."""
    yield from (("encoder/conv1", "model.encoder.conv1"), ("encoder/conv2", "model.encoder.conv2"))
    for side, count in counts.items():
        yield f"{side}/layer_norm", f"model.{side}.layer_norm"
        for layer in range(count):
            ours, theirs = f"{side}/layer_{layer}", f"model.{side}.layers.{layer}"
            yield f"{ours}/self_attention/layer_norm", f"{theirs}.self_attn_layer_norm"
            yield f"{ours}/ffn/layer_norm", f"{theirs}.final_layer_norm"
            if side == "decoder":
                yield f"{ours}/attention/layer_norm", f"{theirs}.encoder_attn_layer_norm"


def state_dict(arrays: Arrays) -> dict[str, NDArray[np.float32]]:
    """Return the arrays of a model file as transformers names and splits them, in single precision."""
    counts = layers(arrays)
    state = {theirs: arrays[ours].astype(np.float32) for ours, theirs in _WHOLE.items()}
    state["proj_out.weight"] = state["model.decoder.embed_tokens.weight"]
    for ours, theirs in _others(counts):
        for part, name in _PARTS.items():
            if f"{ours}/{part}" in arrays:
                state[f"{theirs}.{name}"] = arrays[f"{ours}/{part}"].astype(np.float32)
    for ours, split in _linear(counts):
        for part in ("weight", "bias"):
            pieces = np.split(arrays[f"{ours}/{part}"].astype(np.float32), len(split))
            for theirs, piece in zip(split, pieces, strict=True):
                if part == "weight" or not theirs.endswith("k_proj"):  # keys have no bias
                    state[f"{theirs}.{part}"] = piece
    return state


def torch_model(model: ModelFile, start: int, end: int) -> WhisperForConditionalGeneration:
    """Return the network in PyTorch, in single precision, not yet in training.

    Args:
        model: the network as CTranslate2 has it, not quantised.
        start: id of `<|startoftranscript|>`.
        end: id of `<|endoftext|>`.
    """
    arrays, counts = model.arrays, layers(model.arrays)
    vocabulary, width = arrays["decoder/embeddings/weight"].shape
    heads = int(arrays["encoder/num_heads"])
    config = WhisperConfig(
        vocab_size=vocabulary,
        num_mel_bins=arrays["encoder/conv1/weight"].shape[1],
        d_model=width,
        encoder_layers=counts["encoder"],
        decoder_layers=counts["decoder"],
        encoder_attention_heads=heads,
        decoder_attention_heads=heads,
        encoder_ffn_dim=len(arrays["encoder/layer_0/ffn/linear_0/weight"]),
        decoder_ffn_dim=len(arrays["decoder/layer_0/ffn/linear_0/weight"]),
        decoder_start_token_id=start,
        eos_token_id=end,
        bos_token_id=end,
        pad_token_id=end,
    )
    with torch.device("meta"):  # random weights, which nobody wants, would take seconds
        network = WhisperForConditionalGeneration(config)
    state = {name: torch.from_numpy(value) for name, value in state_dict(arrays).items()}
    network.load_state_dict(state, assign=True)
    network.tie_weights()
    return network.eval()


def changes(adapted: PeftModel, counts: Mapping[str, int]) -> tuple[Change, ...]:
    """Return what low-rank training changed, named after the arrays of the model file.

    Args:
        adapted: the network.
        counts: of its layers, as `layers` gives them.
    """
    state: Mapping[str, Any] = adapted.state_dict()
    scaling = {config.lora_alpha / config.r for config in adapted.peft_config.values()}
    (scale,) = scaling
    found = []
    for ours, split in _linear(counts):
        for number, theirs in enumerate(split):
            if f"base_model.model.{theirs}.lora_A.default.weight" not in state:
                continue
            down, up = (
                state[f"base_model.model.{theirs}.lora_{kind}.default.weight"].cpu().numpy() for kind in "AB"
            )
            found.append(Change(f"{ours}/weight", number * len(up), down, scale * up))
    return tuple(found)
