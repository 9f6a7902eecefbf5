"""Finds what an account does not give back, by its name, in folders of this machine."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

AUDIO = "audio"
CORPUS = "corpus"
GRAMMAR = "grammar"
_SUFFIXES = {
    AUDIO: (
        "",
        ".zip",
        ".tar.gz",
        ".tgz",
        ".wav",
        ".flac",
        ".mp3",
        ".ogg",
        ".opus",
        ".webm",
        ".au",
        ".raw",
        ".pcm",
    ),
    CORPUS: ("", ".txt", ".text"),
    GRAMMAR: ("", ".abnf", ".gram", ".grxml", ".xml", ".srgs"),
}


@dataclass(frozen=True)
class LocalFiles:
    """Files and folders below some folders, by the names they might have at the service."""

    by_name: dict[str, tuple[Path, ...]]

    @classmethod
    def below(cls, folders: Sequence[Path]) -> LocalFiles:
        """Walk folders."""
        found: dict[str, list[Path]] = {}
        for root in folders:
            for folder, subfolders, files in os.walk(root):
                subfolders.sort()
                for name in [*subfolders, *sorted(files)]:
                    found.setdefault(name.casefold(), []).append(Path(folder) / name)
        return cls({name: tuple(paths) for name, paths in found.items()})

    def of(self, kind: str, name: str, model: str) -> Path | None:
        """Return the file, or of audio the folder, with the name of a resource; None: there is none.

        One below a folder that is called as the model goes first.

        Args:
            kind: AUDIO, CORPUS or GRAMMAR.
            name: of the resource.
            model: the name of its model.
        """
        candidates: list[Path] = []
        for suffix in _SUFFIXES[kind]:
            candidates += self.by_name.get(f"{name}{suffix}".casefold(), ())
        fitting = [one for one in candidates if one.is_file() or kind == AUDIO]
        own = [one for one in fitting if model.casefold() in (part.casefold() for part in one.parts[:-1])]
        files = [one for one in (own or fitting) if one.is_file()]
        return next(iter(files or own or fitting), None)
