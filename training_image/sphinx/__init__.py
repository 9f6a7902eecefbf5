"""Unsupervised adaptation of the light engine's acoustic model; docs/adaptation.md explains the method."""
