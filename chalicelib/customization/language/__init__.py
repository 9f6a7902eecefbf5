"""Custom language models: corpora, grammars, words, trainings."""
