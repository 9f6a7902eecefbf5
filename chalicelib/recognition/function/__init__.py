"""The recognition function: audio in the bucket to Watson's results."""
