"""What can go wrong in an engine."""

from __future__ import annotations


class ModelUnreadable(Exception):
    """An adapted model is damaged, or belongs to another base version."""


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
