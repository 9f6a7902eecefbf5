"""Tests of the rules of custom models."""
