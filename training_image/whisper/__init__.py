"""Teaches networks of the Whisper family; PyTorch is known here only."""
