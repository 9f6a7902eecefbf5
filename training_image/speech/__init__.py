"""Recordings to utterances; ordinary speech, other sounds, and transcripts beside them."""
