"""Holds every test to what the templates grant: a call that a function's role does not allow fails the test.

Whoever makes a call is read off the stack: the innermost of the functions' entries that is on it. The emulated
accounts of the tests refuse nothing by themselves.
"""

from __future__ import annotations

import functools
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError

from tests.permissions import needs, reasons
from tests.permissions.policies import ROOT, Grant, Need, grants_of, role_of, statements

_EVENTS = {
    "audio_uploaded": "AudioUploaded",
    "training_progress": "TrainingProgress",
    "training_changed": "TrainingChanged",
    "training_due": "TrainingDue",
    "recognition_queued": "RecognitionQueued",
    "evaluation_due": "EvaluationDue",
    "callback_due": "CallbackDue",
    "corpus_added": "CorpusAdded",
    "language_training": "LanguageTraining",
    "reconcile": "Reconcile",
}
_ENTRIES = {
    **{f"chalicelib/events/{module}.py": ("handle", function) for module, function in _EVENTS.items()},
    "chalicelib/recognition/function/handler.py": ("handle", "Recognize"),
}
_ROOMS = {"chalicelib/api/": "APIHandler", "chalicelib/gateway/": "Task"}
"""Rooms whose every function runs in one place: in the API function, or in the front door's task."""

_inherited = threading.local()
_denied: list[str] = []
_used: set[Grant] = set()


@functools.cache  # each call looks at some eighty frames, of the same few places
def _function_at(file: str, code: str) -> str | None:
    path = Path(file)
    if not path.is_relative_to(ROOT):
        return None
    place = path.relative_to(ROOT).as_posix()
    entry = _ENTRIES.get(place)
    if entry is not None and code == entry[0]:
        return entry[1]
    return next((function for room, function in _ROOMS.items() if place.startswith(room)), None)


def caller() -> str | None:
    """Return the function in whose name this thread is at work; None: a test itself."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        function = _function_at(frame.f_code.co_filename, frame.f_code.co_name)
        if function is not None:
            return function
        frame = frame.f_back
    return getattr(_inherited, "function", None)


def judge(function: str, found: list[Need]) -> None:
    """Note which grants a function's call uses, and what it lacks."""
    role = role_of(function)
    for need in found:
        enough = [grant for grant in grants_of(role) if grant.allows(need)]
        _used.update(enough[:1] if len({grant.resource for grant in enough}) == 1 else enough)
        if not enough:
            _denied.append(f"{role} does not grant {need.action} on {need.resource} {dict(need.context)}")


def _recorded(made: Any) -> Any:
    def call(self: BaseClient, operation: str, parameters: dict[str, Any]) -> Any:
        code = None
        try:
            return made(self, operation, parameters)
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", "unknown"))
            raise
        finally:
            function = caller()
            if function is not None:
                service = self.meta.service_model.service_name
                try:
                    judge(function, needs.of_call(service, operation, parameters, code))
                except needs.NotUnderstood as missing:  # said at the end of the test, not in the call
                    _denied.append(f"what {missing} needs is not written down in tests/permissions/needs.py")

    return call


def _inheriting(submit: Any) -> Any:
    """Let work that is handed to other threads be done in the name of who handed it over."""

    def submitted(self: ThreadPoolExecutor, work: Any, /, *args: Any, **kwargs: Any) -> Any:
        function = caller()

        def run(*args: Any, **kwargs: Any) -> Any:
            former = getattr(_inherited, "function", None)
            _inherited.function = function
            try:
                return work(*args, **kwargs)
            finally:
                _inherited.function = former

        return submit(self, run, *args, **kwargs)

    return submitted


def pytest_configure(config: pytest.Config) -> None:
    """Record from now on."""
    BaseClient._make_api_call = _recorded(BaseClient._make_api_call)  # type: ignore[attr-defined]
    ThreadPoolExecutor.submit = _inheriting(ThreadPoolExecutor.submit)  # type: ignore[method-assign]


@pytest.fixture(autouse=True)
def granted() -> Iterator[None]:
    """Fail a test in whose course a function did what its role does not grant."""
    before = len(_denied)
    yield
    assert "\n".join(sorted(set(_denied[before:]))) == ""


# After a run of all tests (with `--unused-grants` it fails): statements of which nobody has used anything, and
# that have no reason to be there.
_SEEN = "grants_seen"
_OPTION = "--unused-grants"
_seen_elsewhere: set[Grant] = set()


def unused() -> list[Grant]:
    """Return one grant of each statement that was not used so far, and has no reason."""
    used = _used | _seen_elsewhere
    return sorted(
        min(statement)
        for statement in statements()
        if not statement & used and any(reasons.of(grant) is None for grant in statement)
    )


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Take over what a worker process has seen."""
    seen = getattr(node, "workeroutput", {}).get(_SEEN, ())
    _seen_elsewhere.update(Grant(*fields) for fields in seen)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take the option that has unused statements fail a run."""
    parser.addoption(_OPTION, action="store_true", help="fail when no test uses a statement of a role")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand over what a worker process has seen; fail a run that was to fail for what is unused."""
    config = session.config
    if hasattr(config, "workeroutput"):
        config.workeroutput[_SEEN] = [
            (grant.role, grant.action, grant.resource, grant.conditions) for grant in _used
        ]
    elif config.getoption(_OPTION) and unused():
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """After a run of all tests, say which statements of roles have neither a use nor a reason."""
    whole = config.args_source is pytest.Config.ArgsSource.TESTPATHS
    whole &= not (config.option.keyword or config.option.markexpr)
    if (whole or config.getoption(_OPTION)) and unused():
        terminalreporter.section("statements of roles that no test has used and that have no reason")
        for grant in unused():
            terminalreporter.line(f"{grant.role} {grant.action} {grant.resource} {grant.conditions}")
