"""Acoustic models and the features they judge."""
