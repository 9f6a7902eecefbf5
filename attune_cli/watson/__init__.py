"""What is brought from a Watson-compatible account to another service."""
