"""Lambda on one machine: event functions and the recognition function."""
