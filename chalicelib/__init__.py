"""Attune: speech recognition that learns your acoustics without transcripts."""
