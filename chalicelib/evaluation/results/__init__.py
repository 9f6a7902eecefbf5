"""Results of an evaluation: word errors, what really differs, a picture."""
