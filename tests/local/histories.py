"""Histories of one owner's work while parts of the service are killed, against a dictionary that cannot forget.

What was acknowledged is there, once, and is done; what was refused is not. An order whose answer a kill took
along may have been obeyed or not: the next look says which, and then it stays so.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol

import hypothesis.strategies as st
import soundfile
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from infra.local.processes import child
from tests.audio.signals import voice

_ACOUSTIC, _LANGUAGE, _JOBS = "/v1/acoustic_customizations", "/v1/customizations", "/v1/recognitions"
_LIGHT = "en-US_NarrowbandModel.v2019-06-24"
_RECOGNISE = f"{_JOBS}?model=en-US_NarrowbandModel&base_model_version={_LIGHT}"
_NAMES = ("one", "two", "three")
_WORDS = ("zorblatt", "quibbel", "trabble", "flumox")
_RATE_HZ = 8000
_BETWEEN_KILLS_S = 5.5
"""Of the same part: one that ends again and again at once is given up, as it should be."""
_LOOK_AGAIN_S = 0.1
WHOLE = "the service"
READER = "reader"
"""A process that reads recordings for a part. For each it forks a child, which is a reader's reader."""
_READS = "chalicelib.audio.containers.container_process"

_which = st.integers(0, 999)
_delays_s = st.none() | st.sampled_from((0.0, 0.005, 0.02, 0.08))
"""Between an order and a kill, which is to hit the midst of it; None: nothing is killed."""


class Service(Protocol):
    """What a history is made with; see `tests.local.running`."""

    home: Path
    process: subprocess.Popen[bytes]

    def call(
        self, method: str, path: str, body: bytes | None = None, content_type: str = "application/json"
    ) -> tuple[int, Any]: ...

    def kill(self) -> None: ...

    def launch(self) -> None: ...

    def wait_until_ready(self, timeout_s: float = 120.0) -> None: ...

    def left_behind(self, timeout_s: float = 120.0) -> list[int]: ...


@dataclass
class Counts:
    """What many histories came to."""

    orders: int = 0
    kills: dict[str, int] = field(default_factory=dict)
    longest_standstill_s: float = 0.0
    """While something was waited for: the longest time in which nothing changed."""
    longest_settling_s: float = 0.0
    """From the last order or kill until all is done."""


@dataclass
class _Acoustic:
    audio: dict[str, str] = field(default_factory=dict)
    """What is to become of each recording: ok or invalid."""
    unanswered: set[str] = field(default_factory=set)
    """Those that nobody has acknowledged: they may not have arrived, and be invalid for that."""


@dataclass
class _Language:
    words: set[str] = field(default_factory=set)


class Unanswered(Exception):
    """No answer, or one that says to try again: the order may have been obeyed."""


def _flac(duration_s: float) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, voice(duration_s, _RATE_HZ), _RATE_HZ, format="FLAC", subtype="PCM_16")
    return buffer.getvalue()


_RECORDINGS = {"ok": _flac(1.5), "invalid": b"RIFF no audio at all"}


class History(RuleBasedStateMachine):
    """One history; `service`, which all of them share, is empty before and after."""

    service: ClassVar[Service]
    counts: ClassVar[Counts]
    longest_standstill_s: ClassVar[float]
    """For so long something may be waited for without any change: else it is stuck."""

    def __init__(self) -> None:
        super().__init__()
        self.acoustic: dict[str, _Acoustic] = {}
        self.language: dict[str, _Language] = {}
        self.jobs: dict[str, Any] = {}
        """The results of each, once they were seen."""
        self._killed_at_s: dict[str, float] = {}

    # Orders

    @initialize()
    def begin(self) -> None:
        """Begin with a model of either kind."""
        self.create_model(_ACOUSTIC, None, 0)
        self.create_model(_LANGUAGE, None, 0)

    @rule(kind=st.sampled_from((_ACOUSTIC, _LANGUAGE)), kill=_delays_s, part=_which)
    def create_model(self, kind: str, kill: float | None, part: int) -> None:
        """Make a model."""
        asked = {"name": "m", "base_model_name": "en-US_NarrowbandModel", "base_model_version": _LIGHT}
        known: dict[str, Any] = self.acoustic if kind == _ACOUSTIC else self.language
        make: Callable[[], Any] = _Acoustic if kind == _ACOUSTIC else _Language
        try:
            status, answer = self._order(kill, part, "POST", kind, json.dumps(asked).encode())
            assert status == 201, answer
            known[answer["customization_id"]] = make()
        except Unanswered:
            more = self._listed(kind) - set(known)
            assert len(more) <= 1, f"one order made {len(more)} models"
            known.update({one: make() for one in more})

    @precondition(lambda self: len(self.acoustic) + len(self.language) > 2)
    @rule(which=_which, kill=_delays_s, part=_which)
    def delete_model(self, which: int, kill: float | None, part: int) -> None:
        """Remove a model with all that it has."""
        everything = [(_ACOUSTIC, one) for one in self.acoustic] + [(_LANGUAGE, one) for one in self.language]
        kind, model = everything[which % len(everything)]
        known: dict[str, Any] = self.acoustic if kind == _ACOUSTIC else self.language
        with self._changing(lambda: model not in self._listed(kind), lambda: known.pop(model)):
            _obeyed(self._removal(kill, part, f"{kind}/{model}"), 200)

    @precondition(lambda self: self.acoustic)
    @rule(
        which=_which,
        name=st.sampled_from(_NAMES),
        becomes=st.sampled_from(("ok", "ok", "ok", "invalid")),
        kill=_delays_s,
        part=_which,
    )
    def add_audio(self, which: int, name: str, becomes: str, kill: float | None, part: int) -> None:
        """Upload a recording."""
        model = _chosen(self.acoustic, which)
        audio = self.acoustic[model].audio
        path = f"{_ACOUSTIC}/{model}/audio/{name}"
        if name in audio:
            status, answer = self._asked("POST", path, _RECORDINGS[becomes], "audio/flac")
            assert status in (400, 409), answer  # it is there already, or is being analysed
            return
        self.acoustic[model].unanswered.add(name)
        with self._changing(lambda: name in self._audio(model), lambda: audio.__setitem__(name, becomes)):
            _obeyed(self._order(kill, part, "POST", path, _RECORDINGS[becomes], "audio/flac"), 201)
            self.acoustic[model].unanswered.discard(name)

    @precondition(lambda self: any(one.audio for one in self.acoustic.values()))
    @rule(which=_which, kill=_delays_s, part=_which)
    def delete_audio(self, which: int, kill: float | None, part: int) -> None:
        """Remove a recording."""
        everything = [(model, name) for model, one in self.acoustic.items() for name in one.audio]
        model, name = everything[which % len(everything)]
        with self._changing(
            lambda: name not in self._audio(model), lambda: self.acoustic[model].audio.pop(name)
        ):
            _obeyed(self._removal(kill, part, f"{_ACOUSTIC}/{model}/audio/{name}"), 200)

    @precondition(lambda self: self.language)
    @rule(which=_which, word=st.sampled_from(_WORDS), kill=_delays_s, part=_which)
    def put_word(self, which: int, word: str, kill: float | None, part: int) -> None:
        """Add a word, or say it again."""
        model = _chosen(self.language, which)
        body = json.dumps({"sounds_like": [word]}).encode()
        with self._changing(lambda: word in self._words(model), lambda: self.language[model].words.add(word)):
            _obeyed(self._order(kill, part, "PUT", f"{_LANGUAGE}/{model}/words/{word}", body), 201)

    @precondition(lambda self: any(one.words for one in self.language.values()))
    @rule(which=_which, kill=_delays_s, part=_which)
    def delete_word(self, which: int, kill: float | None, part: int) -> None:
        """Remove a word."""
        everything = [(model, word) for model, one in self.language.items() for word in sorted(one.words)]
        model, word = everything[which % len(everything)]
        with self._changing(
            lambda: word not in self._words(model), lambda: self.language[model].words.discard(word)
        ):
            _obeyed(self._removal(kill, part, f"{_LANGUAGE}/{model}/words/{word}"), 200)

    @rule(kill=_delays_s, part=_which)
    def add_job(self, kill: float | None, part: int) -> None:
        """Have a recording recognised."""
        try:
            status, job = self._order(kill, part, "POST", _RECOGNISE, _RECORDINGS["ok"], "audio/flac")
            assert status == 201, job
            self.jobs[job["id"]] = None
        except Unanswered:
            more = self._listed_jobs() - set(self.jobs)
            assert len(more) <= 1, f"one order made {len(more)} jobs"
            self.jobs.update(dict.fromkeys(more))

    @precondition(lambda self: self.jobs)
    @rule(which=_which, kill=_delays_s, part=_which)
    def delete_job(self, which: int, kill: float | None, part: int) -> None:
        """Remove a job, if nobody is at it."""
        job = _chosen(self.jobs, which)
        with self._changing(lambda: job not in self._listed_jobs(), lambda: self.jobs.pop(job)):
            status, answer = self._removal(kill, part, f"{_JOBS}/{job}")
            if status == 400:
                raise Refused
            assert status == 204, answer

    @rule(part=_which)
    def kill(self, part: int) -> None:
        """Kill something while nobody asks for anything."""
        self._kill(part)

    # What must hold

    @invariant()
    def everything_is_there(self) -> None:
        """All that was acknowledged is listed, and nothing else."""
        assert self._listed(_ACOUSTIC) == set(self.acoustic)
        assert self._listed(_LANGUAGE) == set(self.language)
        assert self._listed_jobs() == set(self.jobs)
        for model, acoustic in self.acoustic.items():
            assert set(self._audio(model)) == set(acoustic.audio)
        for model, language in self.language.items():
            assert self._words(model) == language.words

    def teardown(self) -> None:
        """Wait until all is done, as it should be, and remove everything."""
        try:
            self.settle()
            self.everything_is_there()
        finally:
            self._remove_everything()

    def settle(self) -> None:
        """Wait until nothing is left to be done, and compare with what was to come of it."""
        began_s = changed_s = time.monotonic()
        before: Any = None
        while (now := self._unfinished()) or before is None:
            if now != before:
                before, changed_s = now, time.monotonic()
            still_s = time.monotonic() - changed_s
            self.counts.longest_standstill_s = max(self.counts.longest_standstill_s, still_s)
            assert still_s <= self.longest_standstill_s, f"stuck: {now}"
            if not now:
                break
            time.sleep(_LOOK_AGAIN_S)
        self.counts.longest_settling_s = max(self.counts.longest_settling_s, time.monotonic() - began_s)

    def _unfinished(self) -> list[str]:
        """Return what is not done yet, in words; whatever is done is compared with what was to come of it."""
        left = []
        for model, acoustic in self.acoustic.items():
            for name, status in self._audio(model).items():
                if status == "being_processed":
                    left.append(f"audio {name} of {model}")
                elif name not in acoustic.unanswered or status != "invalid":
                    assert status == acoustic.audio[name], f"audio {name} is {status}"
        for model in self.language:
            status = self._get(f"{_LANGUAGE}/{model}")["status"]
            if status not in ("pending", "ready"):
                left.append(f"language model {model}: {status}")
        for job, results in self.jobs.items():
            shown = self._get(f"{_JOBS}/{job}")
            if shown["status"] in ("waiting", "processing"):
                left.append(f"job {job}: {shown['status']}")
                continue
            assert shown["status"] == "completed", shown
            assert results is None or shown["results"] == results, "the results have changed"
            assert len(shown["results"]) == 1
            self.jobs[job] = shown["results"]
        return left

    def _remove_everything(self) -> None:
        for kind in (_ACOUSTIC, _LANGUAGE):
            for model in self._listed(kind):
                self._until_obeyed("DELETE", f"{kind}/{model}")
        for job in self._listed_jobs():
            self._until_obeyed("DELETE", f"{_JOBS}/{job}")

    def _until_obeyed(self, method: str, path: str) -> None:
        until_s = time.monotonic() + 120
        while self._asked(method, path)[0] not in (200, 204, 401, 404):
            assert time.monotonic() < until_s, path
            time.sleep(_LOOK_AGAIN_S)

    # Asking

    def _get(self, path: str) -> Any:
        """Return what a path shows; the service may be on its way back."""
        until_s = time.monotonic() + 60
        while True:
            with contextlib.suppress(Unanswered):
                status, answer = self._asked("GET", path)
                assert status == 200, f"{path}: {answer}"
                return answer
            assert time.monotonic() < until_s, f"no answer from {path}"
            time.sleep(_LOOK_AGAIN_S)

    def _listed(self, kind: str) -> set[str]:
        return {model["customization_id"] for model in self._get(kind)["customizations"]}

    def _listed_jobs(self) -> set[str]:
        return {job["id"] for job in self._get(_JOBS)["recognitions"]}

    def _audio(self, model: str) -> dict[str, str]:
        return {one["name"]: one["status"] for one in self._get(f"{_ACOUSTIC}/{model}/audio")["audio"]}

    def _words(self, model: str) -> set[str]:
        return {one["word"] for one in self._get(f"{_LANGUAGE}/{model}/words?word_type=user")["words"]}

    def _asked(
        self, method: str, path: str, body: bytes | None = None, content_type: str = "application/json"
    ) -> tuple[int, Any]:
        try:
            status, answer = self.service.call(method, path, body, content_type)
        except (OSError, http.client.HTTPException) as error:
            raise Unanswered(repr(error)) from error
        if status in (503, 504):  # 504: what had the request has ended
            raise Unanswered(answer)
        assert status < 500, f"{method} {path}: {answer}"
        return status, answer

    def _order(
        self,
        kill_after_s: float | None,
        part: int,
        method: str,
        path: str,
        body: bytes | None = None,
        content_type: str = "application/json",
    ) -> tuple[int, Any]:
        """Give an order, with a kill in the midst of it."""
        self.counts.orders += 1
        if kill_after_s is None:
            return self._asked(method, path, body, content_type)
        killing = threading.Timer(kill_after_s, self._strike, (part,))
        killing.start()
        try:
            return self._asked(method, path, body, content_type)
        finally:
            killing.join()
            self._recover()

    def _removal(self, kill_after_s: float | None, part: int, path: str) -> tuple[int, Any]:
        """Order that something be removed. The service itself tries again when a part of it does not answer."""
        status, answer = self._order(kill_after_s, part, "DELETE", path)
        if kill_after_s is not None and status in (400, 401, 404):
            raise Unanswered(answer)  # there is no such thing: any more?
        return status, answer

    @contextlib.contextmanager
    def _changing(self, obeyed: Callable[[], bool], note: Callable[[], object]) -> Iterator[None]:
        """Note a change that the block orders, unless it was refused; without an answer, look."""
        try:
            yield
        except Refused:
            return
        except Unanswered:
            if not obeyed():
                return
        note()

    # Killing

    def _kill(self, part: int) -> None:
        self._strike(part)
        self._recover()

    def _strike(self, part: int) -> None:
        """Kill one of the parts that are there, unless it has just been killed."""
        now_s = time.monotonic()
        parts = sorted(self._parts().items())
        name, process_id = parts[part % len(parts)]
        if now_s - self._killed_at_s.get(name, -_BETWEEN_KILLS_S) < _BETWEEN_KILLS_S:
            return
        self._killed_at_s[name] = now_s
        self.counts.kills[name] = self.counts.kills.get(name, 0) + 1
        if process_id is None:
            self.service.kill()
        else:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process_id, signal.SIGKILL)

    def _recover(self) -> None:
        """Start the whole service again, if it is that which was killed."""
        if self.service.process.poll() is not None:
            assert not self.service.left_behind()
            self.service.launch()
        self.service.wait_until_ready()

    def _parts(self) -> dict[str, int | None]:
        """Return what can be killed: each part by what it runs, each event function by its name."""
        found: dict[str, int | None] = {WHOLE: None}
        for process_id in child.marked(str(self.service.home.resolve())):
            with contextlib.suppress(OSError, IndexError):  # it has ended meanwhile
                part = part_of(process_id)
                if part not in ("infra.local.processes.guard", "infra.local"):
                    found[part] = process_id
        return found


def part_of(process_id: int) -> str:
    """Return what a process is of the service.

    Raises:
        OSError, IndexError: it has ended.
    """
    words = Path(f"/proc/{process_id}/cmdline").read_bytes().decode().split("\0")
    module, name = words[2], Path(f"/proc/{process_id}/comm").read_text().strip()
    if module == _READS:
        parent = int(Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[1])
        return f"{READER} of {part_of(parent)}"
    if module.endswith("event_workers") and not name.startswith("python"):
        return f"event function {name}"
    return module


def process_of(service: Service, module: str) -> int:
    """Return the process of a part of the service.

    Raises:
        LookupError: there is none.
    """
    for process_id in child.marked(str(service.home.resolve())):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            if module.encode() in Path(f"/proc/{process_id}/cmdline").read_bytes().split(b"\0"):
                return process_id
    raise LookupError(module)


class Refused(Exception):
    """The service says that the order cannot be obeyed now; nothing has changed."""


def _obeyed(answered: tuple[int, Any], wanted: int) -> None:
    """Take an answer for what it is.

    Raises:
        Refused: the model is busy with what was ordered before.
    """
    status, answer = answered
    if status == 409:
        raise Refused(answer)
    assert status == wanted, answer


def _chosen(known: dict[str, Any], which: int) -> str:
    return list(known)[which % len(known)]
