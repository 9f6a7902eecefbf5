"""The two words of every n-gram model that nobody says: where a sentence begins, and where it ends."""

from __future__ import annotations

SENTENCE_START = "<s>"
SENTENCE_END = "</s>"
