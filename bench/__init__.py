"""Figures: every claim about quality and speed, measured."""
