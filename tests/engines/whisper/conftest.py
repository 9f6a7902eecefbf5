"""The embedded network, loaded once for all tests of its engine."""

from __future__ import annotations

import pytest

from chalicelib.engines.whisper.decoding.network import Network
from chalicelib.engines.whisper.engine import WhisperEngine, WhisperRecognizer


@pytest.fixture(scope="session")
def engine() -> WhisperEngine:
    return WhisperEngine()


@pytest.fixture(scope="session")
def network(engine: WhisperEngine) -> Network:
    return engine.network()


@pytest.fixture(scope="session")
def recognizer(engine: WhisperEngine, network: Network) -> WhisperRecognizer:
    return engine.load("en-US_BroadbandModel")
