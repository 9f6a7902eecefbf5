"""Adaptation of the embedded engine's model."""
