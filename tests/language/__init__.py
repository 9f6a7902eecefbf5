"""Corpora, n-grams, pronunciations and grammars."""
