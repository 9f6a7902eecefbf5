"""What a network writes, and what was said."""
