"""Custom language models: corpora, n-grams, pronunciations and grammars; knows no engine."""
