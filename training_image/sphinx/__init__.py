"""Unsupervised adaptation of the light engine; docs/internals/light-engine.md explains the method."""
