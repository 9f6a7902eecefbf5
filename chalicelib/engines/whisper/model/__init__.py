"""A network's files and weights: read, checked, quantised, adapted."""
