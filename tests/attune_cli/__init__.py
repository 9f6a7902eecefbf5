"""Tests of the command line: the real command, against a running service or a line with planned faults to it."""
