"""Bases for production: networks that an operator adds to those that come with the engines."""
