"""Unsupervised adaptation of the embedded engine's acoustic model; docs/adaptation.md explains the method."""
