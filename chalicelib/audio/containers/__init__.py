"""Containers and codecs that FFmpeg's libraries read."""
