"""Engines: samples to words."""
