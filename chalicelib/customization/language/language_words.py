"""The custom words of a language model that its user has added, changed or deleted."""

from __future__ import annotations

from chalicelib.customization import limits
from chalicelib.storage.tables import LanguageModel, UserWord

_FEW = 50
"""Words in a page where the first good one will do."""


def of_user(model: LanguageModel) -> dict[str, UserWord]:
    """Return the rows of a model's words, those that its user has deleted included."""
    rows = UserWord.query(model.customization_id, consistent_read=True)
    return {row.word: row for row in rows if row.generation == model.generation}


def find(model: LanguageModel, word: str) -> UserWord | None:
    """Return the row of one word, if its user has added, changed or deleted it."""
    if len(word) > limits.NAME_CHARACTERS:
        return None  # no word of a user is so long, and DynamoDB takes no such key
    try:
        row = UserWord.get(model.customization_id, word, consistent_read=True)
    except UserWord.DoesNotExist:
        return None
    return row if row.generation == model.generation else None


def any_valid(model: LanguageModel, beside: str | None = None) -> bool:
    """Tell whether the user has added a word that can be trained on, beside the one that is given."""
    rows = UserWord.query(model.customization_id, consistent_read=True, page_size=_FEW)
    return any(row.generation == model.generation and row.word != beside and is_valid(row) for row in rows)


def is_valid(row: UserWord) -> bool:
    """Tell whether a word can be trained on."""
    return not row.deleted and row.error is None
