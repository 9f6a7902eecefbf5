"""What can go wrong in an engine."""

from __future__ import annotations

from typing import Self


class ModelUnreadable(Exception):
    """An adapted model is damaged, or belongs to another base version."""


class BaseUnreadable(ModelUnreadable):
    """The weights of a staged base have gone, or are other ones; the message is for the user."""

    @classmethod
    def told(cls, base: str, reason: str) -> Self:
        """Return the error for a base of some name."""
        return cls(
            f"The base '{base}' of this model cannot be used at the moment: {reason}. Use another model or "
            "base_model_version, or ask the operator of this service to look at it "
            f"(python -m infra.bases check {base})."
        )


class CustomizationUnsupported(Exception):
    """The engine cannot recognise with that kind of custom model; the message tells the user which."""


class GrammarTooLarge(CustomizationUnsupported):
    """The engine scores every sentence of a grammar, and there are too many; another engine may take it."""

    def __init__(self, name: str, most: int) -> None:
        super().__init__(
            f"The grammar '{name}' has more than {most} sentences, or sentences without an end. "
            "Only base model versions with large grammars can recognise with it"
        )
        self.name = name
