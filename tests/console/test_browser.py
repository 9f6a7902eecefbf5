"""What people do in the console, done in headless Chromium against the running service."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
import soundfile

import app
from chalicelib.engines.catalogue import BASE_MODELS
from infra.local.demo.prompts import Prompt
from tests.audio.archives.packing import zipped
from tests.console import axe, pictures
from tests.console.browser import Page
from tests.console.reported import leave_report
from tests.customization.reports.test_report_summary import NETWORK
from tests.promoted import promote
from tests.running_service import ROOT, RunningService

NARROWBAND = "en-US_NarrowbandModel"
VERSION = BASE_MODELS[NARROWBAND].newest_version
LIGHT_VERSION = "en-US_NarrowbandModel.v2019-06-24"
EXTENSIONS = {"/v1/test_sets", "/v1/evaluations", "/v1/acoustic_customizations/{customization_id}/versions"}
WRITE = "ATTUNE_WRITE_CONSOLE_PICTURES"
PICTURES = ROOT / "docs" / "console"
ON_TELEPHONES = ("models", "report")
"""Pages of which the documentation shows the dark scheme at 360 pixels, too."""
pytestmark = pytest.mark.slow


def new_key(service: RunningService) -> str:
    """Make a key of an owner who has nothing yet."""
    return keys(service, "make").split()[1]


def keys(service: RunningService, *arguments: str) -> str:
    return subprocess.run(
        [sys.executable, "-m", "infra.keys", *arguments],
        cwd=ROOT,
        env=os.environ | {"ATTUNE_HOME": str(service.home)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout


def sign_in(page: Page, service: RunningService, key: str, place: str = "") -> None:
    page.go(f"{service.url}/console{place}")
    page.see("API key")
    page.run("document.getElementById('key').focus()")
    page.type(key)
    page.press("Enter", 13, "\r")
    page.see("Sign out")


def fill(page: Page, field: str, text: str) -> None:
    page.wait(f"!!document.getElementById({json.dumps(field)})")
    page.run(f"document.getElementById({json.dumps(field)}).focus()")
    page.type(text)


def choose(page: Page, field: str, value: str) -> None:
    """Choose an option, as the keyboard does."""
    name = json.dumps(field)
    page.wait(
        f"[...document.getElementById({name})?.options ?? []].some((one) => one.value === {json.dumps(value)})"
    )
    page.run(
        f"""(() => {{ const list = document.getElementById({name}); list.value = {json.dumps(value)};
        list.dispatchEvent(new Event("change", {{bubbles: true}})); }})()"""
    )


class Api:
    """The service's own API, to prepare what a test looks at."""

    def __init__(self, service: RunningService, key: str) -> None:
        self._url = f"{service.url}/v1"
        self._auth = ("apikey", key)

    def __call__(self, method: str, path: str, **options: Any) -> Any:
        answer = requests.request(method, f"{self._url}/{path}", auth=self._auth, timeout=60, **options)
        answer.raise_for_status()
        return answer.json()

    def model(self, name: str, kind: str = "acoustic_customizations") -> str:
        made = self("POST", kind, json={"name": name, "base_model_name": NARROWBAND})
        return str(made["customization_id"])

    def wait(self, path: str, done: Callable[[Any], bool]) -> Any:
        deadline = time.monotonic() + 300
        while not done(answer := self("GET", path)):
            assert time.monotonic() < deadline, answer
            time.sleep(0.1)
        return answer


def test_from_the_key_to_a_training_in_five_clicks(
    page: Page, service: RunningService, ten_minutes: Path
) -> None:
    sign_in(page, service, new_key(service))
    page.see("Make your first model")
    page.clicks = 0
    choose(page, "base", NARROWBAND)
    fill(page, "model-name", "Front desk")
    page.click("Create model")
    page.see("Drop recordings here")
    page.see("Training needs 10 minutes of audio.")
    page.choose_files("#recordings", [ten_minutes])
    page.see("Enough to train.", 300)
    page.click("Train")
    page.see("Stop the training")
    assert page.clicks + 1 <= 5, "with the click that opens the dialog of files"
    page.click("Stop the training")
    page.see("What this run has learned so far is lost.")
    page.click("Stop it")
    page.wait("!document.body.innerText.includes('Stop the training')", 300)


def test_odd_files_are_left_out_and_bad_ones_say_what_to_do(
    page: Page, service: RunningService, spoken: Path, tmp_path: Path
) -> None:
    api = Api(service, service.key)
    model = api.model("Workshop")
    folder = tmp_path / "calls"
    (folder / "night").mkdir(parents=True)
    (folder / "notes.txt").write_text("hello")
    (folder / "empty.wav").touch()
    (folder / "night" / "broken.flac").write_bytes(b"fLaC" + bytes(40))
    sign_in(page, service, service.key, f"#/models/{model}")
    page.see("Drop recordings here")
    page.drop_files(".drop", [folder, spoken])
    page.see("Left out: ")
    page.see("calls/notes.txt (no recording)")
    page.see("calls/empty.wav (empty)")
    page.see("Check that they are whole and of that type.")
    page.wait("!document.body.innerText.includes('being checked')")
    page.choose_files("#recordings", [spoken])
    page.see("Already there, and not sent again: sentence.wav.")
    assert {one["name"] for one in api("GET", f"acoustic_customizations/{model}/audio")["audio"]} == {
        "calls-night-broken.flac",
        "sentence.wav",
    }
    page.click("Delete sentence.wav")
    page.see("The recording is deleted for good.")
    page.click("Go back")
    page.wait("document.activeElement.ariaLabel === 'Delete sentence.wav'")
    page.click("Delete sentence.wav")
    page.click("Delete")
    page.wait("!document.body.innerText.includes('sentence.wav\\n')")


def test_an_upload_goes_on_when_the_service_is_back(
    page: Page, service: RunningService, spoken: Path
) -> None:
    model = Api(service, service.key).model("Car radio")
    sign_in(page, service, service.key, f"#/models/{model}")
    page.see("Drop recordings here")
    line = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    page.ask("Network.emulateNetworkConditions", offline=True, **line)
    page.choose_files("#recordings", [spoken])
    page.see("It is sent again by itself.")
    page.ask("Network.emulateNetworkConditions", offline=False, **line)
    page.see("Uploaded 1 file")
    page.wait("!document.body.innerText.includes('being checked')")
    page.see("16 kHz")


def test_a_large_recording_is_sent_as_an_upload(
    page: Page, service: RunningService, spoken: Path, tmp_path: Path
) -> None:
    samples, rate_hz = soundfile.read(spoken, dtype="int16")
    large = tmp_path / "large.wav"
    soundfile.write(large, np.concatenate([samples, np.zeros(140 * rate_hz, np.int16)]), rate_hz)
    assert large.stat().st_size > 4_000_000
    api = Api(service, service.key)
    model = api.model("Long calls")
    sign_in(page, service, service.key, f"#/models/{model}")
    page.see("Drop recordings here")
    page.choose_files("#recordings", [large])
    page.see("Uploaded 1 file")
    page.wait("!document.body.innerText.includes('being checked')")
    page.see("16 kHz")
    sent = page.run("performance.getEntriesByType('resource').map((one) => one.name)")
    assert any(re.fullmatch(rf"{service.url}/uploads/[^/]+\?.*signature=.*", url) for url in sent), sent
    api.wait("uploads", lambda answer: not answer["uploads"])


def test_a_revoked_key_ends_the_session_and_is_said(page: Page, service: RunningService) -> None:
    key = new_key(service)
    sign_in(page, service, key)
    assert page.run("Object.values(sessionStorage)") == [key]
    assert page.run("localStorage.length") == 0
    keys(service, "revoke", key)
    while requests.get(f"{service.url}/v1/models", auth=("apikey", key), timeout=120).status_code != 401:
        time.sleep(0.2)
    page.click("Language", "nav a")
    page.see("Your key is no longer valid")
    assert page.run("sessionStorage.length") == 0
    sign_in(page, service, service.key)
    page.click("Sign out")
    page.see("API key")
    fill(page, "key", "a-wrong-key")
    page.click("Sign in")
    page.see("This key is not known here.")


def test_an_administrator_makes_a_key_that_works_and_revokes_it(page: Page, service: RunningService) -> None:
    program = axe.script()
    sign_in(page, service, service.key, "#/keys")
    page.click("New key")
    page.wait("document.activeElement.id === 'key-label'")
    fill(page, "key-label", "Mobile client")
    looked_at(page, program, "new-key", shown=False)
    page.click("Make key")
    page.see("It is shown this once")
    key = page.wait("document.activeElement.id === 'made' && document.activeElement.value")
    looked_at(page, program, "made-key", shown=False)
    page.click("Copy")
    page.wait("/Copied\\.|press Ctrl/.test(document.querySelector('.notice').innerText)")
    assert page.run("getSelection().toString()") == key
    page.click("Done")
    page.wait("!document.body.innerText.includes('It is shown this once')")
    assert key not in page.run("document.documentElement.outerHTML")
    page.see("Mobile client")
    assert page.run("document.querySelectorAll('main .list li').length") == 1 + page.run(
        "[...document.querySelectorAll('main .list button')].filter((one) => one.innerText === 'Revoke').length"
    ), "all but one's own key"
    page.click("Sign out")
    sign_in(page, service, key, "#/keys")
    page.see("Your key is not an administrator’s.")
    looked_at(page, program, "no-administrator", shown=False)
    page.click("Sign out")
    sign_in(page, service, service.key, "#/keys")
    page.click("Revoke Mobile client")
    page.see("It is the last key of its owner.")
    page.click("Revoke")
    page.wait("!document.body.innerText.includes('Mobile client')")
    assert requests.get(f"{service.url}/v1/keys", auth=("apikey", key), timeout=120).status_code in (401, 403)


def test_base_and_custom_model_are_heard_side_by_side(
    page: Page, service: RunningService, spoken: Path
) -> None:
    api = Api(service, service.key)
    model = api.model("Kitchen")
    promote(service, model, VERSION)
    sign_in(page, service, service.key, f"#/try/{model}")
    page.wait(f"document.getElementById('custom')?.value === {json.dumps(model)}")
    page.choose_files("#recording", [spoken])
    page.see("Words in which the two differ are marked.", 300)
    columns = page.run("[...document.querySelectorAll('.words')].map((one) => one.innerText)")
    assert all(columns)
    assert columns[0].split() != columns[1].split()
    assert page.run("document.querySelectorAll('.words mark').length") > 0


def test_only_models_that_recognise_are_offered_to_be_tried(page: Page, service: RunningService) -> None:
    page.go(f"{service.url}/console")
    models = [
        *({"status": status} for status in ("pending", "ready", "training", "failed", "available")),
        *({"status": status, "version": 1} for status in ("ready", "training", "failed", "upgrading")),
    ]
    script = f"import('{service.url}/console/models.js').then((all) => {json.dumps(models)}.map(all.serves))"
    assert page.run(script) == [False, False, False, False, True, True, True, True, True]
    untrained = Api(service, key := new_key(service)).model("Never trained")
    sign_in(page, service, key, f"#/models/{untrained}")
    page.click("More")
    page.see("Reset …")
    assert "Try it" not in page.run("document.querySelector('.actions').innerText")


def test_the_microphone_is_heard_and_its_refusal_explained(page: Page, service: RunningService) -> None:
    sign_in(page, service, service.key, "#/try")
    page.click("Use the microphone")
    page.wait("document.querySelector('.words')?.innerText.split(' ').length > 2", 300)
    page.click("Stop listening")
    page.see("or drop a recording here", 300)
    page.run(
        "navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', 'NotAllowedError')); 0"
    )
    page.click("Use the microphone")
    page.see("The browser may not use the microphone. Allow it for this page")


def test_language_models_take_texts_and_words(page: Page, service: RunningService, tmp_path: Path) -> None:
    (tmp_path / "menu.txt").write_text("press one for the pbx\npress two for tiramisu\n")
    (tmp_path / "broken.abnf").write_text("#ABNF 1.0;\nroot $a;\n$a = (one;\n")
    sign_in(page, service, service.key, "#/language")
    page.click("New language model")
    choose(page, "language-base", NARROWBAND)
    fill(page, "language-name", "Menu")
    page.click("Create language model")
    page.see("Texts and grammars")
    page.choose_files("#corpus", [tmp_path / "menu.txt", tmp_path / "broken.abnf"])
    page.see("9 words")
    page.wait("document.querySelector('.finding')?.innerText.length > 10")
    fill(page, "word", "tiramisu")
    fill(page, "sounds", "tira me sue")
    page.click("Add word")
    page.see("sounds like tira me sue")
    page.click("More")
    page.click("Delete …")
    page.see("The model and everything in it are deleted for good.")
    page.press("Escape", 27)
    page.wait("!document.querySelector('dialog')")
    page.see("tiramisu")


def test_every_page_is_without_barriers_at_every_width_and_in_both_schemes(
    page: Page, service: RunningService, spoken: Path, ten_minutes: Path
) -> None:
    """And its pictures are those of the documentation: `ATTUNE_WRITE_CONSOLE_PICTURES=1` keeps them there."""
    program = axe.script()
    api = Api(service, service.key)
    model = api.model("Front desk")
    audio = f"acoustic_customizations/{model}/audio"
    api(
        "POST",
        f"{audio}/monday.zip",
        data=ten_minutes.read_bytes(),
        headers={"Content-Type": "application/zip"},
    )
    api("POST", f"{audio}/tuesday.wav", data=spoken.read_bytes(), headers={"Content-Type": "audio/wav"})
    api("POST", f"{audio}/cut.flac", data=b"fLaC" + bytes(40), headers={"Content-Type": "audio/flac"})
    api.wait(audio, lambda answer: all(one["status"] != "being_processed" for one in answer["audio"]))
    promote(service, model, VERSION)
    leave_report(service, model, NETWORK)
    words = api.model("Menu", "customizations")
    api("PUT", f"customizations/{words}/words/pbx", json={"sounds_like": ["p b x"], "display_as": "PBX"})
    api("POST", "keys", json={"label": "Night shift", "administrator": True})
    api("POST", "keys", json={"label": "Telephone system"})
    places = {
        "models": ("models", "Front desk"),
        "recordings": (f"models/{model}", "cut.flac"),
        "report": (f"models/{model}/report", "What became of"),
        "try": ("try", "Use the microphone"),
        "language-models": ("language", "Menu"),
        "language-model": (f"language/{words}", "sounds like"),
        "keys": ("keys", "New key"),
    }
    page.go(f"{service.url}/")
    page.see("Speech recognition that learns your acoustics")
    looked_at(page, program, "welcome")
    page.go(f"{service.url}/console")
    page.see("API key")
    looked_at(page, program, "sign-in")
    sign_in(page, service, service.key)
    for name, (place, text) in places.items():
        page.run(f"location.hash = '#/{place}'")
        page.see(text)
        looked_at(page, program, name)
    page.run(f"location.hash = '#/models/{model}'")
    page.click("More")
    looked_at(page, program, "menu", shown=False)
    page.click("Reset …")
    page.see("All recordings of the model and everything it has learned are deleted for good.")
    looked_at(page, program, "question")


def looked_at(page: Page, program: str, name: str, *, shown: bool = True) -> None:
    """Look for barriers, and for what is wider than the window, on a desk and on a telephone.

    `shown`: the documentation has a picture of it.
    """
    for width, dark in ((1280, False), (360, True)):
        page.look(width, dark=dark)
        page.run("scrollTo(0, 0)")
        assert axe.barriers(page, program) == [], f"{name} at {width}"
        assert page.run("document.documentElement.scrollWidth") <= width, name
        if WRITE in os.environ and shown and (width == 1280 or name in ON_TELEPHONES):
            PICTURES.mkdir(exist_ok=True)
            page.look(960 if width == 1280 else width, dark=dark)
            file = f"{name}{'' if width == 1280 else '-telephone'}.png"
            pictures.write(PICTURES / file, page.picture(most_height=1000))
    page.look(1280)


@pytest.mark.skipif(not app.app.routes.keys() >= EXTENSIONS, reason="the service does not know them yet")
def test_versions_are_chosen_measured_and_compared(
    page: Page, service: RunningService, prompts: list[Prompt], tmp_path: Path
) -> None:
    program = axe.script()
    api = Api(service, service.key)
    api.model("Workshop")  # made on the light engine
    model = api.model("Night line")
    some = [prompt for prompt in prompts if 3 < prompt.duration_s < 4][:3]
    audio = f"acoustic_customizations/{model}/audio/call.wav"
    api("POST", audio, data=some[0].path.read_bytes(), headers={"Content-Type": "audio/wav"})
    path = tmp_path / "night.zip"
    path.write_bytes(
        zipped(
            {f"call-{number}.wav": prompt.path.read_bytes() for number, prompt in enumerate(some)}
            | {f"call-{number}.txt": prompt.text.encode() for number, prompt in enumerate(some)}
            | {"nobody.txt": b"a text without its recording"}
        )
    )
    promote(service, model, VERSION, VERSION)
    sign_in(page, service, service.key, f"#/models/{model}/comparison")
    page.click("Choose recordings instead")
    page.click("call.wav", "label")
    page.click("Compare on call.wav")
    page.see("What this does not show", 120)
    looked_at(page, program, "comparison")
    page.click("Versions")
    page.click("Use version 1")
    page.wait("document.querySelector('main .list').innerText.match(/Version 1\\s+serving/)")
    looked_at(page, program, "versions")
    assert api("GET", f"acoustic_customizations/{model}")["version"] == 1
    page.click("Tests", "nav a")
    page.see("Drop a zip of recordings and transcripts here")
    page.choose_files("#test-set", [path])
    page.see("3 utterances", 300)
    page.click("What was left out")
    page.see("nobody.txt")
    page.click("Night line", "label")
    page.click(LIGHT_VERSION, "label")
    looked_at(page, program, "tests")
    page.click("Evaluate")
    page.see("Utterances, the worst first", 120)
    page.click("Play call-0.wav")
    page.wait("document.querySelector('audio')?.duration > 1")
    looked_at(page, program, "evaluation")


def test_axe_finds_a_barrier_where_there_is_one(page: Page, service: RunningService) -> None:
    program = axe.script()
    page.go(f"{service.url}/")
    page.run("document.querySelector('main').append(document.createElement('button')); 0")
    assert [one for one in axe.barriers(page, program) if one.startswith("button-name")]


def test_the_keyboard_is_enough(page: Page, service: RunningService) -> None:
    sign_in(page, service, service.key)
    page.see("New model")
    assert page.run("document.activeElement.innerText") == "Models", (
        "the heading, for those who hear the page"
    )
    reached = []
    for _ in range(8):
        page.press("Tab", 9, shift=True)
        reached.append(page.run("document.activeElement.innerText.trim()"))
        assert page.run("getComputedStyle(document.activeElement).outlineStyle") == "solid", reached
    assert reached == [
        "Sign out",
        "Keys",
        "Language",
        "Tests",
        "Try it",
        "Models",
        "Attune",
        "To the content",
    ]
    page.press("Enter", 13, "\r")
    page.wait("document.activeElement.id === 'main'")
    page.press("Tab", 9)
    page.press("Enter", 13, "\r")
    page.wait("document.activeElement.id === 'model-name'")


def test_the_pictures_of_the_documentation_are_those_that_are_made() -> None:
    shown = set(re.findall(r"\(console/([\w-]+\.png)\)", (ROOT / "docs" / "console.md").read_text()))
    there = {path.name for path in PICTURES.glob("*.png")}
    assert shown == there
    assert sum(path.stat().st_size for path in PICTURES.glob("*.png")) < 400_000
