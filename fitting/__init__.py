"""Recipes of what comes with the engines: run by hand, in no image."""
