"""Limits of test sets and evaluations: how many there may be, and how long each."""

from __future__ import annotations

UPLOAD_BYTES = 100 * 1024 * 1024
"""Largest archive of a test set."""
TEST_SETS_PER_OWNER = 100
UTTERANCES = 2_000
"""Most of a test set, and most sentences of a comparison."""
AUDIO_S = 5 * 3600.0
"""Most audio of a test set."""
UTTERANCE_S = 300.0
"""Longest utterance of a test set."""
TRANSCRIPT_CHARACTERS = 10_000
"""Longest transcript of an utterance: in five minutes nobody says as much."""
TRANSCRIPTS_BYTES = 32 * 1024 * 1024
"""Most text in the archive of a test set."""
COMPARED_S = 3600.0
"""Most audio of a comparison."""
EVALUATIONS_PER_OWNER = 200
OPEN_PER_OWNER = 10
"""Evaluations that wait or are worked on."""
MODELS = 4
NAME_CHARACTERS = 200
SHOWN = 200
"""Most utterances or sentences in the results, the worst or most changed first."""
FINDINGS = 500
"""Most findings about an upload that are kept."""
CONFUSIONS = 20
"""Most confused words of a kind."""
