"""Written US English to the words that are said."""
