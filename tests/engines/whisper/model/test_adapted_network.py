"""Adapted networks: merged in memory, shared, used with everything else, and refused when anything differs."""

from __future__ import annotations

import contextlib
import gc
import io
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from chalicelib.engines.base_language import base_language
from chalicelib.engines.errors import ModelUnreadable
from chalicelib.engines.protocol import BASE_ALONE, CustomModels, DecodingOptions
from chalicelib.engines.whisper.decoding.network import Network
from chalicelib.engines.whisper.engine import WhisperEngine
from chalicelib.engines.whisper.model import adapted_network
from chalicelib.engines.whisper.model.adapted_network import folder_in_memory, read_artefact
from chalicelib.engines.whisper.model.low_rank import FILE_NAME, Change, delta_bytes, merged, parse_delta
from chalicelib.engines.whisper.model.merging import REMAINDERS, Share
from chalicelib.engines.whisper.model.model_file import quantised, read_model
from chalicelib.engines.whisper.model.short_window import short_window
from chalicelib.engines.whisper.model.weights import MODEL_SHA256, embedded
from chalicelib.language.artefact import GrammarText
from chalicelib.language.training import TrainingWord, train
from tests import adapted_models
from tests.engines.whisper.networks import embedded_folder
from tests.engines.whisper.speech import SENTENCE, WORDS, speech

VERSION = "en-US_BroadbandModel.v2026-11-30"
BENEATH = short_window().sha256
LAYER = "encoder/layer_0/ffn/linear_0/weight"
WIDTH = 384
EVERYTHING = DecodingOptions(max_alternatives=5, word_alternatives=True, keywords=("sunday",))


def _model(folder: Path, content: bytes | None = None, name: str = "model.tar.gz") -> CustomModels:
    packed = adapted_models.network_model(VERSION, content)
    return CustomModels(adapted_models.written(folder / name, packed))


def _change(weights: str = LAYER, first_row: int = 0, width: int = WIDTH, rows: int = WIDTH) -> Change:
    return Change(weights, first_row, np.ones((2, width), np.float16), np.full((rows, 2), 1e-3, np.float16))


@pytest.fixture(scope="module")
def custom(tmp_path_factory: pytest.TempPathFactory) -> CustomModels:
    return _model(tmp_path_factory.mktemp("adapted"))


def test_it_hears_in_the_short_window_and_otherwise_than_its_base(
    engine: WhisperEngine, custom: CustomModels
) -> None:
    recognizer, samples = engine.load(VERSION, custom), speech(SENTENCE)
    found, base = (one.recognize(samples, EVERYTHING) for one in (recognizer, engine.load(VERSION)))
    assert found.hypotheses[0].text == base.hypotheses[0].text == WORDS
    assert found.hypotheses[0].written == SENTENCE
    assert found != base
    taught = engine.network(VERSION, [Share(parse_delta(adapted_models.taught()))])
    assert taught.window == engine.network().window == embedded().window


def test_it_is_the_weights_with_everything_they_were_taught(engine: WhisperEngine) -> None:
    delta = parse_delta(adapted_models.taught())
    whole = merged(read_model(embedded_folder() / "model.bin"), short_window(), MODEL_SHA256)
    expected = quantised(merged(whole, delta, MODEL_SHA256, 0.5)).arrays
    with folder_in_memory(embedded(), [Share(delta, 0.5)]) as folder:
        found = read_model(folder / "model.bin").arrays
    base = read_model(embedded().folder / "model.bin").arrays
    assert found.keys() == expected.keys()
    changed = {change.weights for change in delta.changes}
    for name, array in expected.items():
        if name.removesuffix("_scale") not in changed:
            assert found[name].tobytes() == array.tobytes() == base[name].tobytes()
        elif array.dtype == np.int8:
            apart = np.abs(found[name].astype(int) - array)
            assert apart.max() <= 1, name
            assert (apart > 0).mean() < 0.05, name


def test_nothing_of_a_change_is_the_base_bit_for_bit() -> None:
    delta = parse_delta(adapted_models.taught())
    with folder_in_memory(embedded(), [Share(delta, 0.0)]) as folder:
        assert (folder / "model.bin").read_bytes() == (embedded().folder / "model.bin").read_bytes()
    assert not folder.exists()


def test_recognisers_of_the_same_model_share_its_network(
    engine: WhisperEngine, custom: CustomModels, tmp_path: Path
) -> None:
    one = engine.load(VERSION, custom)
    same = engine.load(VERSION, _model(tmp_path))
    other = engine.load(VERSION, _model(tmp_path, adapted_models.taught(seed=2), "other.tar.gz"))
    base, plain = engine.load(VERSION), engine.load(VERSION, BASE_ALONE)
    assert one.shared is same.shared
    assert base.shared is plain.shared
    assert len({id(each.shared) for each in (one, other, base)}) == 3
    assert one.size_bytes < base.size_bytes


def test_a_model_that_kept_its_base_is_the_base_itself(engine: WhisperEngine, tmp_path: Path) -> None:
    packed = adapted_models.packed(adapted_models.members(VERSION, {}, "whisper"))
    kept = CustomModels(adapted_models.written(tmp_path / "kept.tar.gz", packed))
    assert engine.load(VERSION, kept).shared is engine.load(VERSION).shared


def test_a_network_that_nobody_uses_goes(custom: CustomModels) -> None:
    engine = WhisperEngine()
    loaded = engine.load(VERSION, custom)
    assert len(engine._networks) == 1
    del loaded
    gc.collect()
    assert len(engine._networks) == 0


def test_streams_and_batches_give_what_single_calls_give(engine: WhisperEngine, custom: CustomModels) -> None:
    recognizer = engine.load(VERSION, custom)
    utterances = [speech(text) for text in (SENTENCE, "Please call me at five thirty.")]
    expected = [recognizer.recognize(one, EVERYTHING) for one in utterances]
    assert recognizer.recognize_all(utterances, EVERYTHING) == expected
    stream = recognizer.stream()
    for at in range(0, len(utterances[0]), 8000):
        stream.feed(utterances[0][at : at + 8000])
        stream.partial()
    assert stream.finish(EVERYTHING) == expected[0]


@pytest.fixture(scope="module")
def language(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A custom language model with a made-up name and a grammar."""
    target = tmp_path_factory.mktemp("language") / "language-model.tar.gz"
    rule = "#ABNF 1.0;\nroot $said;\n$said = open the window | close the door;\n"
    corpus = io.BytesIO(b"Please send the letter to Vorlandia.\nVorlandia has answered.\n")
    words = [TrainingWord("Vorlandia", ("vor land ia",), "Vorlandia")]
    train([corpus], words, {"rooms": GrammarText("abnf", rule)}, base=base_language(VERSION), target=target)
    return target


def test_a_language_model_and_a_grammar_are_used_together_with_it(
    engine: WhisperEngine, custom: CustomModels, language: Path
) -> None:
    both = engine.load(VERSION, replace(custom, language_model=language))
    assert both.shared is engine.load(VERSION, custom).shared
    heard = both.recognize(speech("Please send the letter to vorlandia.")).hypotheses[0]
    assert heard.text.lower() == "please send the letter to vorlandia"
    restricted = engine.load(VERSION, replace(custom, language_model=language, grammar_name="rooms"))
    assert restricted.recognize(speech("Close the door.")).hypotheses[0].text == "close the door"
    assert not restricted.recognize(speech("The weather will be fine on Sunday.")).hypotheses


def _damaged(content: bytes) -> bytes:
    return content[:-1]


@pytest.mark.parametrize(
    ("reason", "content"),
    [
        ("is no low-rank change|no file of safetensors", lambda: b"a pickle?"),
        ("truncated or damaged", lambda: _damaged(adapted_models.taught())),
        ("taught to the base b+, not to 1a5afae", lambda: delta_bytes("b" * 64, [_change()], [BENEATH])),
        (
            "with nothing beneath, but the base has",
            lambda: delta_bytes(MODEL_SHA256, [_change()]),
        ),
        (
            "with c+ beneath, but the base has",
            lambda: delta_bytes(MODEL_SHA256, [_change()], ["c" * 64]),
        ),
        (
            "beneath, but the base has",
            lambda: delta_bytes(MODEL_SHA256, [_change()], [BENEATH, "c" * 64]),
        ),
        ("not within", lambda: delta_bytes(MODEL_SHA256, [_change(width=512)], [BENEATH])),
        ("not within", lambda: delta_bytes(MODEL_SHA256, [_change(first_row=1400)], [BENEATH])),
        (
            "no encoder/layer_4/ffn/linear_0/weight to be changed",
            lambda: delta_bytes(MODEL_SHA256, [_change(LAYER.replace("0", "4", 1))], [BENEATH]),
        ),
        (
            "no decoder/embeddings/weight to be changed",
            lambda: delta_bytes(MODEL_SHA256, [_change("decoder/embeddings/weight")], [BENEATH]),
        ),
    ],
)
def test_what_differs_is_refused(
    engine: WhisperEngine, tmp_path: Path, reason: str, content: Callable[[], bytes]
) -> None:
    with pytest.raises(ModelUnreadable, match=reason) as refused:
        engine.load(VERSION, _model(tmp_path, content()))
    assert str(refused.value).startswith("model.tar.gz: ")


def test_a_file_with_another_checksum_than_its_manifest_states_is_refused(tmp_path: Path) -> None:
    members = adapted_models.members(VERSION, {FILE_NAME: adapted_models.taught()}, "whisper")
    members[FILE_NAME] = adapted_models.taught(seed=2)
    path = adapted_models.written(tmp_path / "model.tar.gz", adapted_models.packed(members))
    with pytest.raises(ModelUnreadable, match=r"low-rank\.safetensors is not the file"):
        read_artefact(path, VERSION)


def test_a_file_that_is_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = adapted_models.taught()
    monkeypatch.setattr(adapted_network, "MOST_BYTES", len(content) - 1)
    path = _model(tmp_path, content).adapted_model
    assert path is not None
    with pytest.raises(ModelUnreadable, match="too large"):
        read_artefact(path, VERSION)


@pytest.mark.parametrize("file", [REMAINDERS, "model.bin"])
def test_a_base_without_what_it_takes_is_named(tmp_path: Path, file: str) -> None:
    folder = tmp_path / "base"
    shutil.copytree(embedded().folder, folder)
    (folder / file).unlink()
    delta = parse_delta(adapted_models.taught())
    with (
        pytest.raises(ModelUnreadable, match=rf"cannot be changed: .*{file}"),
        folder_in_memory(replace(embedded(), folder=folder), [Share(delta)]),
    ):
        pass


def test_weights_of_an_unknown_base_take_no_changes() -> None:
    delta = parse_delta(adapted_models.taught())
    with pytest.raises(ModelUnreadable, match="not to this one"):
        Network(replace(embedded(), base_sha256=None), shares=[Share(delta)])


def test_nothing_is_left_behind_not_even_by_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedded()
    gc.collect()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    open_files = len(list(Path("/proc/self/fd").iterdir()))
    delta = parse_delta(adapted_models.taught())
    with contextlib.suppress(KeyError), folder_in_memory(embedded(), [Share(delta)]) as folder:
        on_disk = [path for path in folder.iterdir() if not path.is_symlink()]
        assert on_disk == [], "all that is new lies in memory"
        raise KeyError
    unfit = parse_delta(delta_bytes(MODEL_SHA256, [_change(width=512)], [BENEATH]))
    with contextlib.suppress(ModelUnreadable), folder_in_memory(embedded(), [Share(unfit)]):
        pass
    gc.collect()
    assert list(tmp_path.iterdir()) == []
    assert len(list(Path("/proc/self/fd").iterdir())) == open_files
