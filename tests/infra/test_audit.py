"""What the advisories of a file say of the pins; the file has OSV's form, as its databases are handed on."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from infra import audit, pins


def _advisory(name: str, *events: dict[str, str], **more: Any) -> dict[str, Any]:
    affected = {
        "package": {"ecosystem": "PyPI", "name": name},
        "ranges": [{"type": "ECOSYSTEM", "events": list(events)}],
    }
    return {
        "id": "PYSEC-2026-1",
        "modified": "2026-10-01T00:00:00Z",
        "aliases": ["CVE-2026-1"],
        "summary": "It reads too far.",
        "affected": [affected],
        **more,
    }


@pytest.mark.parametrize(
    ("events", "affected"),
    [
        ([{"introduced": "0"}], ["1.9", "1.10", "2.0"]),
        ([{"introduced": "0"}, {"fixed": "1.10"}], ["1.9"]),
        ([{"introduced": "1.10"}, {"last_affected": "1.10"}], ["1.10"]),
        ([{"introduced": "0"}, {"fixed": "1.9"}, {"introduced": "2.0rc1"}], ["2.0"]),
        ([{"fixed": "1.10"}, {"introduced": "0"}], ["1.9"]),
        ([{"introduced": "3"}], []),
    ],
)
def test_a_range_is_read_as_osv_says(events: list[dict[str, str]], affected: list[str]) -> None:
    installed = [("lib-x", version) for version in ("1.9", "1.10", "2.0")]
    found = audit.findings(installed, [_advisory("Lib_X", *events)])
    assert {one.version for one in found} == set(affected)


def test_what_is_withdrawn_or_of_another_ecosystem_says_nothing() -> None:
    advisory = _advisory("lib", {"introduced": "0"})
    assert len(audit.findings([("lib", "1")], [advisory])) == 1
    assert audit.findings([("lib", "1")], [{**advisory, "withdrawn": "2026-10-02T00:00:00Z"}]) == []
    advisory["affected"][0]["package"]["ecosystem"] = "npm"
    assert audit.findings([("lib", "1")], [advisory]) == []


def test_versions_may_be_listed_instead() -> None:
    advisory = _advisory("lib")
    advisory["affected"][0]["versions"] = ["1.0", "1.1"]
    assert [one.version for one in audit.findings([("lib", "1.1"), ("lib", "1.2")], [advisory])] == ["1.1"]


@pytest.mark.parametrize("form", ["zip", "list", "lines", "one"])
def test_each_form_of_a_file_is_read_and_findings_end_in_1(
    tmp_path: Path, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    name, version = sorted(pins.pinned(pins.LISTS[0]))[0]
    advisory = _advisory(name, {"introduced": "0"}, {"fixed": "99999"})
    path = tmp_path / "advisories"
    match form:
        case "zip":
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr("PYSEC-2026-1.json", json.dumps(advisory))
                archive.writestr("README.md", "no advisory")
        case "list":
            path.write_text(json.dumps([advisory]))
        case "lines":
            path.write_text(f"{json.dumps(advisory)}\n{json.dumps({**advisory, 'affected': []})}\n")
        case "one":
            path.write_text(json.dumps(advisory, indent=2))
    assert audit.main([str(path)]) == 1
    said = capsys.readouterr().out
    assert f"{name} {version}: PYSEC-2026-1 (CVE-2026-1), mended in 99999: It reads too far." in said
    assert "2026-10-01" in said
    assert audit.main([str(path), "--accept", "CVE-2026-1"]) == 0
    assert "0 findings, 1 more accepted" in capsys.readouterr().out


@pytest.mark.parametrize("content", ["", "{}", "[1]", "no JSON", '{"id": "x"}'])
def test_a_file_without_advisories_is_no_clean_bill(
    tmp_path: Path, content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "advisories"
    path.write_text(content)
    assert audit.main([str(path)]) == 2
    assert audit.main([str(tmp_path / "missing")]) == 2
    assert "Nothing was compared" in capsys.readouterr().err


def test_what_is_built_apart_is_looked_at_too() -> None:
    torch = next(version for name, version in pins.constrained() if name == "torch")
    found = audit.findings(pins.constrained(), [_advisory("torch", {"introduced": "0"})])
    assert [(one.name, one.version) for one in found] == [("torch", torch)]
