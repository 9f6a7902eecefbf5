"""Asynchronous recognition: jobs that are taken in, worked on in pieces, and kept until they expire."""
