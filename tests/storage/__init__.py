"""Tests of the tables, the bucket and what signs references to it."""
