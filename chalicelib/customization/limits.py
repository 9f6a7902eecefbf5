"""How much one may have of everything, as Watson's documentation states it."""

from __future__ import annotations

MODELS_PER_OWNER = 1024
AUDIO_BYTES = 100 * 1024 * 1024
"""Largest audio file or archive."""
NAME_CHARACTERS = 128
"""Longest name of an audio resource."""
LEAST_TRAINING_S = 10 * 60.0
"""Least valid audio that a training takes."""
MOST_TRAINING_S = 200 * 3600.0
