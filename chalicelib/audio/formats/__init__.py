"""Formats of recordings: one module for each, and `sources`, which chooses."""
