"""Messages on the page about troubles are those that the service, its programs and its pages write."""

from __future__ import annotations

import re
from functools import cache

import pytest

from tests.running_service import ROOT

PAGE = (ROOT / "docs" / "troubleshooting.md").read_text()
SOURCES = ("attune_cli", "chalicelib", "infra", "training_image")
_SEEN = re.compile(r"^\| (.+?) \| .+? \| .+? \|$", re.MULTILINE)
_MESSAGE = re.compile(r"`([^`]+)`")
_DOCSTRING = re.compile(r'""".*?"""', re.DOTALL)
_CONTINUED = re.compile(r'"\s*\n\s*(?:\+ )?f?"')
_NOT_OURS = {"self-signed certificate", '"error": "Unauthorized"', '"results": []'}
"""What curl says, and what is put together from names and phrases of HTTP."""


def _messages() -> list[str]:
    """Return what stands as code in the first column and has several words."""
    shown = [message for seen in _SEEN.findall(PAGE) for message in _MESSAGE.findall(seen)]
    return [message for message in shown if len(message.split()) > 2 or message in _NOT_OURS]


@cache
def _written() -> str:
    """Return the code without docstrings, texts that are written in several parts joined."""
    files = [file for folder in SOURCES for file in sorted((ROOT / folder).rglob("*.py"))]
    files += [*sorted((ROOT / "chalicelib/console/files").glob("*.js")), ROOT / "infra/make-venv"]
    code = (_DOCSTRING.sub("", file.read_text()) for file in files)
    return "\n".join(_CONTINUED.sub("", text) for text in code)


@pytest.mark.parametrize("message", sorted(set(_messages()) - _NOT_OURS))
def test_the_message_is_written_somewhere(message: str) -> None:
    missing = [part for part in message.split("…") if part.strip() and part.strip() not in _written()]
    assert missing == []


def test_messages_are_found_on_the_page() -> None:
    assert len(_messages()) > 60
    assert set(_messages()) >= {message for message in _NOT_OURS if len(message.split()) > 1}
