"""Tests of the whole service on one machine."""
