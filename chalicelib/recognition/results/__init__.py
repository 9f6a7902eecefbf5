"""Recognised words to what clients read: Watson's results, transcripts, subtitles."""
