"""Training networks of the Whisper family."""
