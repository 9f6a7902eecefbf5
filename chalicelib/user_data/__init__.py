"""Data that is labelled as a customer's, in every room, and its removal."""
