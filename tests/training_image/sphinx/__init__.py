"""Adaptation of the light engine's model."""
