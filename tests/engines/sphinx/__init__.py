"""The light engine."""
