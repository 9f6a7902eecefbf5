"""Unsupervised adaptation of the light engine's acoustic model; docs/internals/light-engine.md explains the method."""
