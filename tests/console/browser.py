"""Headless Chromium, driven by its DevTools protocol: real clicks and keys, pictures, and what went over the network.

Where Chromium is not installed, tests that need it are skipped with the reason.
"""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",  # tests run as root in containers, and open no page but the service's own
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--mute-audio",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    "--font-render-hinting=none",
    "--autoplay-policy=no-user-gesture-required",
    "--remote-debugging-port=0",
)
_START_S = 120.0
_LOOK_AGAIN_S = 0.03
_LARGEST_MESSAGE_BYTES = 64 * 1024 * 1024


class PageError(AssertionError):
    """A script failed in the page, or something that was waited for did not come."""


def program() -> str | None:
    """Return Chromium's path, or None where it is not installed."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


@contextlib.contextmanager
def browser(folder: Path, *arguments: str) -> Iterator[str]:
    """Run a browser with its profile in `folder`; yields the address of its DevTools."""
    path = program()
    assert path is not None
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "browser.log").open("wb") as log:
        process = subprocess.Popen(
            [path, *_ARGUMENTS, *arguments, f"--user-data-dir={folder}", "about:blank"],
            stdout=log,
            stderr=log,
        )
    try:
        port_file, deadline = folder / "DevToolsActivePort", time.monotonic() + _START_S
        while not (port_file.exists() and port_file.read_text().count("\n")):
            assert process.poll() is None and time.monotonic() < deadline, "Chromium did not start"
            time.sleep(_LOOK_AGAIN_S)
        yield f"http://127.0.0.1:{port_file.read_text().splitlines()[0]}"
    finally:
        process.terminate()
        process.wait(120)


@contextlib.contextmanager
def tab(devtools: str) -> Iterator[Page]:
    """Open a tab, which is closed in the end."""
    with urllib.request.urlopen(f"{devtools}/json/version", timeout=60) as answer:
        address = json.load(answer)["webSocketDebuggerUrl"]
    with connect(address, max_size=_LARGEST_MESSAGE_BYTES, ping_interval=None) as socket:
        yield Page(socket)


class Page:
    """One tab, in a context of its own: nothing of another test is left in it."""

    def __init__(self, socket: ClientConnection) -> None:
        self._numbers = itertools.count(1)
        self._session: str | None = None
        self._socket = socket
        self._context = self.ask("Target.createBrowserContext", disposeOnDetach=True)["browserContextId"]
        target = self.ask("Target.createTarget", url="about:blank", browserContextId=self._context)[
            "targetId"
        ]
        self._session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.events: list[dict[str, Any]] = []
        """What the browser has told so far: requests, complaints."""
        self.clicks = 0
        """How often the user has clicked."""
        for domain in ("Page", "Runtime", "Network", "Log", "DOM"):
            self.ask(f"{domain}.enable")

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command of the protocol, and return its answer."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": parameters}
        self._socket.send(json.dumps(message | ({"sessionId": self._session} if self._session else {})))
        while True:
            told: dict[str, Any] = json.loads(self._socket.recv(timeout=60))
            if told.get("id") == number:
                if "error" in told:
                    raise PageError(f"{method}: {told['error']['message']}")
                result: dict[str, Any] = told["result"]
                return result
            if "method" in told and self._session:
                self.events.append(told)

    def run(self, script: str) -> Any:
        """Evaluate an expression in the page; a promise is awaited."""
        answer = self.ask(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True, userGesture=True
        )
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            raise PageError(details.get("exception", {}).get("description") or details["text"])
        return answer["result"].get("value")

    def wait(self, condition: str, timeout_s: float = 60.0) -> Any:
        """Wait until an expression is true; returns its value."""
        deadline = time.monotonic() + timeout_s
        while not (value := self.run(condition)):
            if time.monotonic() > deadline:
                raise PageError(f"{condition} was never true; the page says:\n{self.text()[:3000]}")
            time.sleep(_LOOK_AGAIN_S)
        return value

    def see(self, text: str, timeout_s: float = 60.0) -> None:
        """Wait until the page shows a text."""
        self.wait(f"document.body?.innerText.includes({json.dumps(text)})", timeout_s)

    def text(self) -> str:
        return str(self.run("document.body?.innerText ?? ''"))

    def go(self, url: str) -> None:
        self.ask("Page.navigate", url=url)
        self.wait("document.readyState === 'complete'")

    def click(self, name: str, role: str = "button, a, summary, label, input") -> None:
        """Click the visible control of that name (or text), as a mouse does."""
        script = f"""(() => {{
            const named = (one) => one.ariaLabel || one.innerText || one.labels?.[0]?.innerText || "";
            const found = [...document.querySelectorAll({json.dumps(role)})].filter((one) =>
                named(one).trim() === {json.dumps(name)} && one.getClientRects().length && !one.disabled);
            const modal = document.querySelector("dialog[open]");
            const one = found.find((each) => !modal || modal.contains(each));
            if (!one) return null;
            one.scrollIntoView({{block: "center", behavior: "instant"}});
            const box = one.getBoundingClientRect();
            const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
            const there = document.elementFromPoint(x, y);
            return one.contains(there) || there?.contains(one) ? [x, y] : null;
        }})()"""
        place, before = self.wait(script), None
        while place != before:  # a list above it may just be growing
            time.sleep(_LOOK_AGAIN_S)
            place, before = self.wait(script), place
        x, y = place
        self.clicks += 1
        for kind in ("mousePressed", "mouseReleased"):
            self.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def type(self, text: str) -> None:
        """Type into what has the focus."""
        self.ask("Input.insertText", text=text)

    def press(self, key: str, code: int, text: str = "", *, shift: bool = False) -> None:
        """Press a key, perhaps with the shift key; `code` is Windows' virtual one."""
        pressed = {"key": key, "code": key, "windowsVirtualKeyCode": code, "modifiers": 8 if shift else 0}
        for kind in ("keyDown", "keyUp"):
            extra = {"text": text} if text and kind == "keyDown" else {}
            self.ask("Input.dispatchKeyEvent", type=kind, **pressed, **extra)

    def choose_files(self, selector: str, paths: Sequence[Path]) -> None:
        """Give files to a file input."""
        root = self.ask("DOM.getDocument")["root"]["nodeId"]
        node = self.ask("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.ask("DOM.setFileInputFiles", nodeId=node, files=[str(path) for path in paths])

    def drop_files(self, selector: str, paths: Sequence[Path]) -> None:
        """Drop files and folders onto an element, as a mouse does."""
        x, y = self.run(
            f"""(() => {{ const box = document.querySelector({json.dumps(selector)}).getBoundingClientRect();
            return [box.x + 20, box.y + 20]; }})()"""
        )
        data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
        for kind in ("dragEnter", "dragOver", "drop"):
            self.ask("Input.dispatchDragEvent", type=kind, x=x, y=y, data=data)

    def look(self, width: int, *, dark: bool = False, height: int = 800) -> None:
        """Show the page at a width, in a scheme of colours, without motion."""
        self.ask(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        features = [
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]
        self.ask("Emulation.setEmulatedMedia", features=features)

    def picture(self, *, most_height: int = 1400) -> bytes:
        """Return a picture of the page to its end, or as far down as `most_height`, as PNG."""
        width, end = self.run(
            """(() => { const main = document.querySelector("main").getBoundingClientRect();
            return [innerWidth, document.querySelector("dialog") ? innerHeight : main.bottom + scrollY]; })()"""
        )
        clip = {"x": 0, "y": 0, "width": width, "height": min(end, most_height), "scale": 1}
        shot = self.ask("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
        return base64.b64decode(shot["data"])

    def complaints(self) -> list[str]:
        """Return what the browser found wrong: scripts that failed, what its policy refused."""
        self.run("0")
        found = []
        for event in self.events:
            parameters = event["params"]
            if event["method"] == "Runtime.exceptionThrown":
                details = parameters["exceptionDetails"]
                found.append(details.get("exception", {}).get("description") or details["text"])
            elif event["method"] == "Log.entryAdded" and parameters["entry"]["source"] == "security":
                found.append(parameters["entry"]["text"])
        return found

    def hosts(self) -> set[str]:
        """Return the hosts, with their ports, that the page has asked for anything."""
        self.run("0")
        urls = [
            event["params"]["request"]["url"]
            for event in self.events
            if event["method"] == "Network.requestWillBeSent"
        ]
        return {url.split("/")[2] for url in urls if url.startswith(("http:", "https:"))}

    def transferred_bytes(self) -> int:
        """Return how many bytes came over the network so far, headers included."""
        self.run("0")
        return sum(
            int(event["params"]["encodedDataLength"])
            for event in self.events
            if event["method"] == "Network.loadingFinished"
        )
