"""Tests of smart formatting."""
