"""Tests of audio: formats, decoding, archives, inspection, speech detection."""
