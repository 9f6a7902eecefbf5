"""The network that an adaptation begins with: its weights to learn on, and it with changes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from chalicelib.engines.errors import ModelUnreadable
from chalicelib.engines.whisper.low_rank import Delta, merged
from chalicelib.engines.whisper.mel import WHOLE, Window
from chalicelib.engines.whisper.merging import Share, merged_folder
from chalicelib.engines.whisper.model_file import ModelFile, read_model
from chalicelib.engines.whisper.network import Network, Threads
from chalicelib.engines.whisper.short_window import BEYOND_S, LEAST_S, short_window
from chalicelib.engines.whisper.tokens import Tokens, read_tokens
from chalicelib.engines.whisper.weights import MODEL_SHA256, in_folder, package_folder
from training_image.failures import JobFailed

_MODEL = "model.bin"


@dataclass(frozen=True)
class Base:
    """A network on disk."""

    folder: Path
    sha256: str
    """Of its model.bin."""
    beneath: tuple[Delta, ...]
    """What was taught to it before, which belongs to the base."""
    tokens: Tokens
    language: str | None
    """That it is told; None: it knows one only."""
    window: Window
    """What it hears in."""

    @property
    def prompt(self) -> list[int]:
        """Tokens before a text."""
        return [*self.tokens.prompt(self.language), self.tokens.no_times]

    def model(self) -> ModelFile:
        """Return the weights to learn on.

        Raises:
            JobFailed: they are damaged.
        """
        try:
            model = read_model(self.folder / _MODEL)
            for delta in self.beneath:
                model = merged(model, delta, self.sha256)
        except ModelUnreadable as error:
            raise _unreadable(error) from None
        return model

    def network(self, cache: Path, cores: int, change: Delta | None = None, alpha: float = 1.0) -> Network:
        """Return a recogniser of the network with a share of a change.

        Args:
            cache: folder for networks that were merged.
            cores: so many calls at a time.
            change: what was learned; None: nothing.
            alpha: how much of it, 0…1.

        Raises:
            JobFailed: the weights are damaged, or have not the layers that the change names.
        """
        shares = [Share(delta) for delta in self.beneath]
        if change is not None:
            shares.append(Share(change, alpha))
        try:
            folder = merged_folder(self.folder, self.sha256, shares, cache)
            return Network(in_folder(folder), self.language, Threads(workers=cores, per_call=1))
        except ModelUnreadable as error:
            raise _unreadable(error) from None


def base_of(folder: Path | None, language: str | None) -> Base:
    """Return a staged network, or the embedded one.

    Args:
        folder: of a staged network; None: the embedded one.
        language: that the model is for.

    Raises:
        JobFailed: the network is missing, damaged or another one.
    """
    try:
        if folder is None:
            folder = package_folder()
            sha256, window = MODEL_SHA256, Window(LEAST_S, BEYOND_S)
            beneath: tuple[Delta, ...] = (short_window(),)
            if _sha256(folder / _MODEL) != sha256:
                raise ModelUnreadable(f"{folder / _MODEL} is not the embedded network")  # noqa: TRY301
        else:
            sha256, beneath, window = _sha256(folder / _MODEL), (), WHOLE
        tokens = read_tokens(folder)
        if not tokens.languages:
            language = None
        tokens.prompt(language)
    except (ModelUnreadable, OSError) as error:
        raise _unreadable(error) from None
    return Base(folder, sha256, beneath, tokens, language, window)


def fits(base: Base, changes: Sequence[Delta]) -> bool:
    """Return whether changes were taught to this very network."""
    return all(change.base_sha256 == base.sha256 for change in changes)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _unreadable(error: Exception) -> JobFailed:
    return JobFailed(
        f"The weights of the base model cannot be used: {error}. Tell the operator to add that base model "
        "again."
    )
