"""Copies what a Watson-compatible account has to another service."""
