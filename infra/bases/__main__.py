"""Bases, for operators: `python -m infra.bases add | list | check | remove`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from chalicelib.engines.staged import StagedBase
from infra.bases import staging
from infra.bases.errors import NotStaged
from infra.bases.staging import Added, WantedBase


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m infra.bases",
        description="Stage Whisper networks, so that the service recognises with them. They lie in the "
        "folder that ATTUNE_BASES names, else in `bases` below ATTUNE_HOME. A service needs no restart.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    add = commands.add_parser("add", help="check, convert and measure a network, and serve it")
    add.add_argument(
        "source",
        help="a folder (CTranslate2's model.bin, or transformers' *.safetensors), s3://bucket/prefix, or a "
        "name on the hub",
    )
    add.add_argument("--name", help="what to call the base; the folder's name if not given")
    add.add_argument(
        "--languages",
        default="",
        help="separated by commas, e.g. fr-FR,ko; if not given, all but US English that Watson had and the "
        "weights know",
    )
    add.add_argument(
        "--us-english", action="store_true", help="make it the newest version of the en-US models, too"
    )
    add.add_argument("--licence", default="", help="a note on the licence of the weights")
    add.add_argument("--sha256", help="refuse weights whose file has another checksum")
    add.add_argument(
        "--no-measuring", action="store_true", help="load nothing: where another machine is to serve it"
    )
    commands.add_parser("list", help="list the bases with what was measured")
    check = commands.add_parser("check", help="hash the files of all bases, or of one")
    check.add_argument("name", nargs="?")
    remove = commands.add_parser("remove", help="remove a base; custom models made on it stay, without it")
    remove.add_argument("name")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    options = _parser().parse_args(arguments)
    root = _root()
    try:
        match options.command:
            case "add":
                _add(root, options)
            case "list":
                _list(root)
            case "check":
                return _check(root, options.name)
            case _:
                base = staging.remove(root, options.name)
                print(f"{base.name} is removed, and with it {_served(base)}")
    except NotStaged as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _root() -> Path:
    bases = os.environ.get("ATTUNE_BASES")
    return Path(bases) if bases else Path(os.environ.get("ATTUNE_HOME") or ".attune") / "bases"


def _add(root: Path, options: argparse.Namespace) -> None:
    wanted = WantedBase(
        source=options.source,
        name=options.name,
        languages=tuple(options.languages.replace(",", " ").split()),
        us_english=options.us_english,
        licence=options.licence,
        sha256=options.sha256,
        measuring=not options.no_measuring,
    )
    added = staging.add(root, wanted)
    base = added.base
    print(f"{base.name}: {added.prepared.parameters:,} parameters, {added.prepared.description}")
    print(f"weights   {base.weights.size_bytes / 1e6:,.1f} MB in eight bits, SHA-256 {base.weights.sha256}")
    print(f"measured  {_measured(added)}")
    print(f"serves    {_served(base)}")
    print(f"in        {root / base.name}")


def _measured(added: Added) -> str:
    figures = added.figures
    if figures is None:
        return "nothing"
    text = (
        f"{figures.speed:.2f} s of one thread per second of speech, loaded in {figures.load_s:.1f} s, "
        f"{figures.memory_bytes / 1e6:,.0f} MB of memory"
    )
    wrong, words = added.base.measured.get("wrong_words"), added.base.measured.get("words")
    if wrong is None or words is None:
        return text
    text += f"; {wrong} of {words} words of an English sentence wrong"
    return text if 2 * wrong <= words else f'{text} – it heard "{figures.text}": are these weights trained?'


def _list(root: Path) -> None:
    for base in staging.bases(root):
        speed = base.measured.get("seconds_per_second")
        told = "" if speed is None else f"  {speed:.2f} s per second"
        print(f"{base.name}  {base.weights.size_bytes / 1e6:,.1f} MB{told}  {base.added}  {base.source}")
        print(f"  licence: {base.licence or 'not noted'}")
        for model in base.models:
            print(f"  {model.version}")


def _check(root: Path, name: str | None) -> int:
    names = [base.name for base in staging.bases(root)] if name is None else [name]
    status = 0
    for one in names:
        found = staging.problems(root, one)
        for problem in found:
            print(f"{one}: {problem}", file=sys.stderr)
        if found:
            status = 1
            print(f"{one}: remove it and add it again, or put a copy of its folder back", file=sys.stderr)
        else:
            print(f"{one}: in order")
    return status


def _served(base: StagedBase) -> str:
    return ", ".join(dict.fromkeys(model.name for model in base.models))


if __name__ == "__main__":
    sys.exit(main())
