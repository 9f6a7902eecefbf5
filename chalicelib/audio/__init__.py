"""Formats, decoding, archives, inspection and speech detection, streaming and bounded."""
