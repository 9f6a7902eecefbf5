"""Tests of the simulation of jobs on Lambda."""
