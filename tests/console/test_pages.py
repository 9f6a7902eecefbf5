"""The console's files: complete, small, of this host alone, without a line of script in a page."""

from __future__ import annotations

import gzip
import hashlib
import re
from html.parser import HTMLParser

import pytest

from chalicelib.console import pages
from tests.running_service import ROOT

HTML = sorted(name for name in pages.names() if name.endswith(".html"))
OWN_SCRIPTS = sorted(name for name in pages.names() if name.endswith(".js") and name != "preact.js")
IMPORTED = re.compile(r"""(?:\bfrom |\bimport\(|new URL\()"(?:\./)?([\w-]+\.js)["']""")
MOST_BYTES = 150_000


def content(name: str, root: str = "") -> str:
    page = pages.page(name, root)
    assert page is not None
    assert gzip.decompress(page.compressed) == page.plain
    return page.plain.decode()


class Elements(HTMLParser):
    """The elements of a page, with their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


@pytest.mark.parametrize("root", ["", "/api"])
@pytest.mark.parametrize("name", HTML)
def test_pages_hold_no_script_and_name_their_files_below_the_service(name: str, root: str) -> None:
    elements = Elements()
    elements.feed(content(name, root))
    for tag, attributes in elements.found:
        assert not {key for key in attributes if key.startswith("on") or key == "style"}, tag
        assert tag != "style"
        assert tag != "script" or attributes["src"]
        for key in ("src", "href"):
            if (address := attributes.get(key)) and address != f"{root}/docs":
                assert address.startswith(f"{root}/console")
                file = address.removeprefix(f"{root}/console").removeprefix("/")
                assert not file or file in pages.names()


@pytest.mark.parametrize("name", OWN_SCRIPTS)
def test_scripts_say_what_they_are_and_import_what_is_there(name: str) -> None:
    text = content(name)
    assert text.startswith("/** ")
    assert set(IMPORTED.findall(text)) <= pages.names()
    assert not re.search(r"\beval\(|new Function|innerHTML|insertAdjacentHTML|document\.write", text)


def test_every_file_is_needed() -> None:
    used, left = {*HTML}, {*HTML}
    while left:
        text = content(left.pop())
        for name in pages.names() - used:
            if re.search(rf"[/\"]{re.escape(name)}\"", text):
                used.add(name)
                left.add(name)
    assert used == pages.names()


@pytest.mark.parametrize("name", sorted(pages.names()))
def test_no_file_names_another_host(name: str) -> None:
    known = ("http://www.w3.org/", "http://127.0.0.1")
    addresses = re.findall(r"https?://[\w.]+/?", content(name))
    assert [address for address in addresses if not address.startswith(known)] == []


def test_all_files_together_are_small() -> None:
    assert sum(len(found.compressed) for name in pages.names() if (found := pages.page(name))) < MOST_BYTES


def test_the_library_is_the_one_that_is_named() -> None:
    digest = hashlib.sha256((pages.FILES / "preact.js").read_bytes()).hexdigest()
    assert digest in (ROOT / "THIRD-PARTY.md").read_text()


@pytest.mark.parametrize("root", ['/"><script>', "/a b", "//evil.example", "/%22"])
def test_a_root_that_is_no_path_is_not_written_into_pages(root: str) -> None:
    assert content(pages.CONSOLE, root) == content(pages.CONSOLE)


@pytest.mark.parametrize("name", ["pages.py", "../pages.py", "", ".", "console"])
def test_other_names_are_no_files(name: str) -> None:
    assert pages.page(name) is None


def test_the_policy_allows_this_host_alone() -> None:
    policy = dict(part.split(" ", 1) for part in pages.headers(None)["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == "'none'"
    assert policy["trusted-types"] == "'none'"
    assert "unsafe" not in pages.headers(None)["Content-Security-Policy"]
    assert "*" not in pages.headers(None)["Content-Security-Policy"]
