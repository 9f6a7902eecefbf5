"""Trigram models: estimated, interpolated, written and compared."""
