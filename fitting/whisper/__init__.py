"""Recipes of what the network brings along."""
