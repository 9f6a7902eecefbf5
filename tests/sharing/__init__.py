"""Tests of what owners share."""
