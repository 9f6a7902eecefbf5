"""Processes that decode utterances, and the models' files that they decode with."""
