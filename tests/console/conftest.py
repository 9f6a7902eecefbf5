"""A browser for all tests of the console, and a page of its own for each; each page is checked when it is left."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile

from infra.local.demo.prompts import Prompt
from tests.audio.archives.packing import zipped
from tests.console import browser
from tests.console.browser import Page
from tests.contract.test_curl_examples import sparse_speech
from tests.running_service import RunningService


@pytest.fixture(scope="session")
def spoken(prompts: list[Prompt], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording of a sentence, which the fake microphone hears, too."""
    path = tmp_path_factory.mktemp("spoken") / "sentence.wav"
    longer = [prompt for prompt in prompts if prompt.duration_s > 3]
    soundfile.write(
        path,
        sparse_speech([prompt for prompt in longer if prompt.duration_s < 4][:1], 3, 6),
        16_000,
        subtype="PCM_16",
    )
    return path


@pytest.fixture(scope="session")
def devtools(spoken: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A browser with a fake microphone."""
    if browser.program() is None:
        pytest.skip("Chromium is not installed here (Debian: apt-get install chromium)")
    microphone = (
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-audio-capture={spoken}",
    )
    with browser.browser(tmp_path_factory.mktemp("browser"), *microphone) as address:
        yield address


@pytest.fixture
def page(devtools: str, service: RunningService) -> Iterator[Page]:
    """A tab; at its end nothing must have failed, been refused by its policy, or been asked of another host."""
    with browser.tab(devtools) as opened:
        opened.look(1280)
        yield opened
        assert opened.complaints() == []
        assert opened.hosts() <= {service.url.partition("//")[2]}
        assert opened.run("document.cookie") == ""


@pytest.fixture(scope="session")
def ten_minutes(prompts: list[Prompt], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive with as much telephone audio as a training needs."""
    folder = tmp_path_factory.mktemp("calls")
    longer = [prompt for prompt in prompts if prompt.duration_s > 3]
    members = {}
    for number in range(4):
        wide = sparse_speech(longer[20 * number : 20 * number + 20], 6, 155)
        soundfile.write(folder / "call.wav", wide[::2], 8_000, subtype="PCM_16")
        members[f"call-{number}.wav"] = (folder / "call.wav").read_bytes()
    path = folder / "monday.zip"
    path.write_bytes(zipped(members))
    return path
