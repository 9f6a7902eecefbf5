"""Data with a customer's label, in every package, and its removal."""
