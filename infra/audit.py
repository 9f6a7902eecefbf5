"""Compares the pins with a file of advisories: `python -m infra.audit ADVISORIES`, without any network.

The file is in the form of OSV (Open Source Vulnerabilities), as its databases are handed on: a zip of JSON
documents, one document, a list of them, or one in each line. It is fetched where there is a network, and
carried to where there is none.
"""

from __future__ import annotations

import argparse
import json
import sys
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.version import InvalidVersion, Version

from infra import pins

_ECOSYSTEM = "PyPI"


class Unreadable(Exception):
    """The file holds no advisories; the message says why."""


@dataclass(frozen=True)
class AdvisoryFinding:
    """A pin that an advisory is about."""

    name: str
    version: str
    advisory: str
    aliases: tuple[str, ...]
    summary: str
    fixed: tuple[str, ...]
    """Versions in which it is mended, if any is."""

    def known_as(self, name: str) -> bool:
        """Tell whether an id means this advisory."""
        return name in (self.advisory, *self.aliases)


def read(path: Path) -> list[dict[str, Any]]:
    """Return the advisories of a file.

    Raises:
        Unreadable: it cannot be read, or none of OSV's form is in it.
    """
    try:
        documents = list(_documents(path))
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise Unreadable(f"{path} cannot be read: {error}") from None
    advisories = [one for one in documents if isinstance(one, dict) and "id" in one and "modified" in one]
    if not advisories:
        raise Unreadable(f"{path} holds no advisories in the form of OSV")
    return advisories


def _documents(path: Path) -> Iterator[Any]:
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                if name.endswith(".json"):
                    yield json.loads(archive.read(name))
        return
    text = path.read_text()
    try:
        whole = json.loads(text)
    except ValueError:
        yield from (json.loads(line) for line in text.splitlines() if line.strip())
    else:
        yield from whole if isinstance(whole, list) else [whole]


def findings(
    installed: Iterable[tuple[str, str]], advisories: Iterable[dict[str, Any]]
) -> list[AdvisoryFinding]:
    """Return what the advisories say of versions, by name; those that were withdrawn say nothing."""
    versions: dict[str, set[str]] = {}
    for name, version in installed:
        versions.setdefault(name, set()).add(version)
    found = []
    for advisory in advisories:
        if advisory.get("withdrawn"):
            continue
        for affected in advisory.get("affected", ()):
            package = affected.get("package", {})
            name = pins.normal(package.get("name", ""))
            if package.get("ecosystem") != _ECOSYSTEM:
                continue
            for version in sorted(versions.get(name, ())):
                if _affects(affected, version):
                    found.append(_finding(advisory, affected, name, version))
    return sorted(set(found), key=lambda one: (one.name, one.version, one.advisory))


def _finding(advisory: dict[str, Any], affected: dict[str, Any], name: str, version: str) -> AdvisoryFinding:
    events = [event for span in affected.get("ranges", ()) for event in span.get("events", ())]
    return AdvisoryFinding(
        name,
        version,
        advisory["id"],
        tuple(advisory.get("aliases", ())),
        advisory.get("summary") or advisory.get("details", "").partition("\n")[0][:200],
        tuple(dict.fromkeys(event["fixed"] for event in events if "fixed" in event)),
    )


def _affects(affected: dict[str, Any], version: str) -> bool:
    """Tell whether a version is listed, or lies in a range; a range without an end has none."""
    if version in affected.get("versions", ()):
        return True
    ranges = (span for span in affected.get("ranges", ()) if span.get("type") == "ECOSYSTEM")
    return any(_within(Version(version), span.get("events", ())) for span in ranges)


def _within(version: Version, events: Iterable[dict[str, str]]) -> bool:
    """Go through a range's events in the order of their versions, as OSV says how."""
    inside = False
    for moment, kind in sorted(
        ((_version(value), kind) for event in events for kind, value in event.items()), key=lambda one: one[0]
    ):
        if kind == "introduced" and version >= moment:
            inside = True
        elif (kind == "fixed" and version >= moment) or (kind == "last_affected" and version > moment):
            inside = False
    return inside


def _version(text: str) -> Version:
    try:
        return Version(text)
    except InvalidVersion:
        # Then nobody can say what lies before it: rather one finding too many.
        return Version("0")


def main(argv: list[str] | None = None) -> int:
    """Say what is found; returns 1 if there is anything, 2 if nothing could be compared."""
    parser = argparse.ArgumentParser(prog="python -m infra.audit", description=__doc__)
    parser.add_argument("advisories", type=Path, help="a file of OSV's form: zip, JSON, or JSON lines")
    parser.add_argument(
        "--accept",
        action="append",
        default=[],
        metavar="ID",
        help="an advisory that was looked at; repeatable",
    )
    given = parser.parse_args(argv)
    try:
        advisories = read(given.advisories)
    except Unreadable as reason:
        print(f"Nothing was compared: {reason}.", file=sys.stderr)
        return 2
    installed = pins.constrained().union(*(pins.pinned(one) for one in pins.LISTS))
    found = findings(installed, advisories)
    left = [one for one in found if not any(one.known_as(name) for name in given.accept)]
    for one in left:
        known = f" ({', '.join(one.aliases)})" if one.aliases else ""
        mended = f"mended in {', '.join(one.fixed)}" if one.fixed else "not mended yet"
        print(f"{one.name} {one.version}: {one.advisory}{known}, {mended}: {one.summary}")
    newest = max(str(one["modified"]) for one in advisories)
    print(
        f"{len(left)} findings, {len(found) - len(left)} more accepted: {len(installed)} pins against "
        f"{len(advisories)} advisories, the newest of {newest[:10]}: of later ones the file knows "
        "nothing."
    )
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
