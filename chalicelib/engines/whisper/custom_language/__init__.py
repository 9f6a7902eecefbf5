"""Custom language models and grammars, weighed with what a network hears."""
