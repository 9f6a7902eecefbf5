"""Recipes of what the light engine brings along."""
