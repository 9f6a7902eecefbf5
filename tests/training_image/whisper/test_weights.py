"""Weights between CTranslate2 and PyTorch, where PyTorch is installed (requirements/fitting.txt)."""

from __future__ import annotations

import numpy as np
import pytest

from chalicelib.engines.whisper.model.low_rank import delta_bytes, merged, parse_delta
from chalicelib.engines.whisper.model.model_file import ModelFile, read_model
from tests.engines.whisper.networks import embedded_folder, multilingual_network

torch = pytest.importorskip("torch")
peft = pytest.importorskip("peft")
pytest.importorskip("transformers")

BASE = "a" * 64
START, END = 50257, 50256


@pytest.fixture(scope="module")
def base() -> ModelFile:
    return read_model(embedded_folder() / "model.bin")


def test_pytorch_encodes_as_ctranslate2(base: ModelFile) -> None:
    import ctranslate2

    from training_image.whisper.weights import torch_model

    mel = np.random.default_rng(1).normal(0, 0.4, (1, 80, 3000)).astype(np.float32)
    with torch.inference_mode():
        ours = torch_model(base, START, END).model.encoder(torch.from_numpy(mel)).last_hidden_state.numpy()
    network = ctranslate2.models.Whisper(str(embedded_folder()), compute_type="float32")
    theirs = np.array(network.encode(ctranslate2.StorageView.from_array(mel)))
    np.testing.assert_allclose(ours, theirs, atol=0.02)


def test_what_was_taught_is_merged_as_peft_merges_it(base: ModelFile) -> None:
    from training_image.whisper.weights import ADAPTED, changes, layers, state_dict, torch_model

    torch.manual_seed(1)
    adapted = peft.get_peft_model(
        torch_model(base, START, END), peft.LoraConfig(r=2, lora_alpha=6, target_modules=list(ADAPTED))
    )
    with torch.no_grad():
        for name, value in adapted.named_parameters():
            if "lora_" in name:
                value.normal_(0, 0.05).copy_(value.half().float())
    delta = parse_delta(delta_bytes(BASE, changes(adapted, layers(base.arrays))))
    ours = state_dict(merged(base, delta, BASE).arrays)
    theirs = adapted.merge_and_unload().state_dict()
    assert set(ours) == set(theirs)
    for name, value in ours.items():
        np.testing.assert_allclose(value, theirs[name].numpy(), atol=2e-4, err_msg=name)


def test_a_network_with_fewer_layers_behind_is_taught_as_well() -> None:
    from training_image.whisper.weights import ADAPTED, changes, layers, state_dict, torch_model

    small = multilingual_network(decoder_layers=1)
    network = torch_model(small, 0, 1)
    assert len(network.model.encoder.layers) == 2
    assert len(network.model.decoder.layers) == 1
    config = peft.LoraConfig(r=2, lora_alpha=4, target_modules=list(ADAPTED))
    adapted = peft.get_peft_model(network, config)
    with torch.no_grad():
        for name, value in adapted.named_parameters():
            if "lora_" in name:
                value.normal_(0, 0.05).copy_(value.half().float())
    delta = parse_delta(delta_bytes(BASE, changes(adapted, layers(small.arrays))))
    theirs = adapted.merge_and_unload().state_dict()
    for name, value in state_dict(merged(small, delta, BASE).arrays).items():
        np.testing.assert_allclose(value, theirs[name].numpy(), atol=2e-3, err_msg=name)
