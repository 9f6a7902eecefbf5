"""Samples to words behind one protocol, and the catalogue of base models."""
