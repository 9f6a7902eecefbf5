"""What an operator decides: for all engines, and for one of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from chalicelib import settings
from chalicelib.settings import EngineSettings, SettingsError


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in {
        "ATTUNE_BUCKET": "a-bucket",
        "ATTUNE_TRAINING_IMAGE": "registry/all:1",
        "ATTUNE_TRAINING_ROLE_ARN": "arn:aws:iam::1:role/training",
    }.items():
        monkeypatch.setenv(name, value)
    settings.current.cache_clear()
    yield
    settings.current.cache_clear()


EVERY = EngineSettings("registry/all:1", None, None, True, "attune-recognize")


def test_engines_without_settings_of_their_own_share_those_of_all() -> None:
    assert settings.current().engine("sphinx") == settings.current().engine("whisper") == EVERY


def test_an_engine_changes_what_it_names_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTUNE_WHISPER_TRAINING_IMAGE", "registry/whisper:1")
    monkeypatch.setenv("ATTUNE_WHISPER_TRAINING_INSTANCE_TYPE", "ml.g5.xlarge")
    monkeypatch.setenv("ATTUNE_WHISPER_TRAINING_INSTANCE_COUNT", "2")
    monkeypatch.setenv("ATTUNE_WHISPER_TRAINING_USE_SPOT", "false")
    assert settings.current().engine("whisper") == EngineSettings(
        "registry/whisper:1", "ml.g5.xlarge", 2, False, "attune-recognize"
    )
    assert settings.current().engine("sphinx") == EVERY


def test_an_empty_value_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTUNE_WHISPER_TRAINING_IMAGE", "")
    assert settings.current().engine("whisper") == EVERY


def test_a_function_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTUNE_RECOGNITION_FUNCTION", "all")
    monkeypatch.setenv("ATTUNE_WHISPER_RECOGNITION_FUNCTION", "whispers")
    assert settings.current().engine("whisper").recognition_function == "whispers"
    assert settings.current().engine("sphinx").recognition_function == "all"


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ATTUNE_TRAINING_IMAGE")
    with pytest.raises(SettingsError, match="ATTUNE_TRAINING_IMAGE is not set"):
        settings.current()


@pytest.mark.parametrize(
    "variable",
    [
        "ATTUNE_TRAINING_INSTANCE_COUNT",
        "ATTUNE_WHISPER_TRAINING_INSTANCE_COUNT",
        "ATTUNE_TRAINING_MAX_RUNTIME_S",
    ],
)
def test_there_is_at_least_one_of_what_is_counted(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, "0")
    with pytest.raises(SettingsError, match=f"{variable} must be at least 1, not 0"):
        settings.current()


def test_what_is_not_set_is_planned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTUNE_TRAINING_INSTANCE_TYPE", "")
    monkeypatch.setenv("ATTUNE_TRAINING_MAX_RUNTIME_S", "")
    assert settings.current().every_engine.training_instance_type is None
    assert settings.current().training_max_runtime_s is None


def test_prices_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTUNE_TRAINING_PRICES", "ml.g5.xlarge=1.52, ml.c5.2xlarge=0.46 ml.p5.48xlarge=63")
    assert settings.current().training_prices == {
        "ml.g5.xlarge": 1.52,
        "ml.c5.2xlarge": 0.46,
        "ml.p5.48xlarge": 63.0,
    }


@pytest.mark.parametrize(
    "text", ["1.52", "ml.g5.xlarge", "=1", "ml.g5.xlarge=", "ml.g5.xlarge=nan", "a=-1", "a=1e3"]
)
def test_prices_in_another_form_are_refused_at_once(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("ATTUNE_TRAINING_PRICES", text)
    with pytest.raises(
        SettingsError, match=r"ATTUNE_TRAINING_PRICES must have USD an hour .* not in that form"
    ):
        settings.current()


def test_how_many_trainings_go_on_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ATTUNE_MAX_TRAININGS_AT_ONCE", "ATTUNE_MAX_TRAININGS_AT_ONCE_OF_OWNER"):
        monkeypatch.delenv(name)
    chosen = settings.current()
    assert (chosen.max_trainings_at_once, chosen.max_trainings_at_once_of_owner) == (20, 4)
    settings.current.cache_clear()
    monkeypatch.setenv("ATTUNE_MAX_TRAININGS_AT_ONCE", "-1")
    with pytest.raises(SettingsError, match="ATTUNE_MAX_TRAININGS_AT_ONCE must not be negative, but is -1"):
        settings.current()


def test_how_many_versions_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings.current().kept_versions == 10
    for text, reason in (
        ("0", "at least 1, not 0"),
        ("101", "at most 100, not 101"),
        ("x", "a whole number"),
    ):
        settings.current.cache_clear()
        monkeypatch.setenv("ATTUNE_KEPT_VERSIONS", text)
        with pytest.raises(SettingsError, match=f"ATTUNE_KEPT_VERSIONS must be {reason}"):
            settings.current()


def test_proxies_are_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not settings.is_proxy("10.1.2.3")
    monkeypatch.setenv("ATTUNE_PROXIES", "10.0.0.0/8 fd00::/8,192.0.2.7")
    for proxy in ("10.1.2.3", "fd00::1", "192.0.2.7"):
        assert settings.is_proxy(proxy)
    for stranger in ("11.0.0.1", "192.0.2.8", "fe80::1%eth0", "", "a socket"):
        assert not settings.is_proxy(stranger)
    monkeypatch.setenv("ATTUNE_PROXIES", "10.0.0.1/8")
    with pytest.raises(SettingsError, match="ATTUNE_PROXIES must list networks"):
        settings.is_proxy("10.1.2.3")


@pytest.mark.parametrize("name", ["ATTUNE_OWNER_TEMPORARY_BYTES", "ATTUNE_OWNER_AUDIO_S_PER_HOUR"])
def test_limits_of_owners_are_numbers(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    limit = {
        "ATTUNE_OWNER_TEMPORARY_BYTES": settings.owner_temporary_bytes,
        "ATTUNE_OWNER_AUDIO_S_PER_HOUR": settings.owner_audio_s_per_hour,
    }[name]
    assert limit() > 0
    monkeypatch.setenv(name, "0")
    assert limit() == 0
    monkeypatch.setenv(name, "-1")
    with pytest.raises(SettingsError, match=name):
        limit()
