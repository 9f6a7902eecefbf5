"""How words are said, and which sound alike."""
