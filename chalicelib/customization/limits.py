"""How much one may have of everything, as Watson's documentation states it."""

from __future__ import annotations

MODELS_PER_OWNER = 1024
AUDIO_BYTES = 100 * 1024 * 1024
"""Largest audio file or archive."""
NAME_CHARACTERS = 128
"""Longest name of a resource, and longest custom word."""
DISPLAY_CHARACTERS = 1000
"""Longest `display_as`."""
SOUNDS_LIKES = 20
"""Most `sounds_like` that are looked at; more than Watson's five are kept with the word, as its error."""
SOUNDS_LIKE_CHARACTERS = 1000
"""Longest one that is looked at; so it is with Watson's 40."""
CORPUS_BYTES = 100 * 1024 * 1024
GRAMMAR_BYTES = 4 * 1024 * 1024
WORDS_BYTES = 20 * 1024 * 1024
"""Largest batch of words; 90,000 words take less."""
CUSTOM_WORDS = 90_000
"""Most out-of-vocabulary words of a custom language model, from all sources."""
WORDS = 10_000_000
"""Most words of all corpora of a custom language model."""
LEAST_TRAINING_S = 10 * 60.0
"""Least valid audio that a training takes."""
MOST_TRAINING_S = 200 * 3600.0
VERSIONS = 10
"""Versions of a custom acoustic model that are kept, unless a setting says otherwise."""
LABEL_CHARACTERS = 200
"""Longest label of one."""
