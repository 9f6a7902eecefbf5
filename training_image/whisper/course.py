"""How a network is adapted: every choice that decides the result, with what it was chosen by.

The defaults were chosen on development speech; `docs/adaptation.md` shows what each is worth.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

OVERRIDES_VARIABLE = "ATTUNE_TRAINING_OVERRIDES"
"""For ablations: a JSON object of fields that are to be others."""


@dataclass(frozen=True)
class Course:
    """Choices of one adaptation."""

    rounds: int = 1
    """How often the audio is read anew, by what was learned until then."""
    kept_share: float = 0.7
    """Of the readings, the surest, that teach."""
    kept_of_recording: float = 0.3
    """At least this share of every long recording's readings, so that hard recordings stay in."""
    epochs: float = 2.0
    rank: int = 16
    """Of the low-rank change."""
    decoder: int = 1
    """Whether the decoder's layers learn, too: 0 leaves what the network knows of language alone."""
    rate: float = 5e-4
    warm_up_steps: int = 8
    least_rate_share: float = 0.1
    """What the rate falls to, in a straight line, at the last step."""
    mean_decay: float = 0.95
    """Of the running mean of the weights over the steps."""
    batch_s: float = 20.0
    """Length of a batch's windows together."""
    longest_window_s: float = 10.0
    """Utterances are joined up to this; a longer one stays alone."""
    masked_bands: int = 12
    """SpecAugment (Park et al. 2019): widest of the two masks over the speech."""
    noise_share: float = 0.0
    """Of the windows: noise is added."""
    telephone_share: float = 0.0
    """Of the windows: through G.711 and back."""
    room_share: float = 0.0
    """Of the windows: in a small room."""
    gain_db: float = 0.0
    """Windows become so much louder or softer at most."""
    replay_share: float = 0.15
    """Ordinary speech with transcripts beside the user's, as a share of the windows."""
    silence_share: float = 0.12
    """Windows without speech, which teach silence, as a share of the windows."""
    beam: int = 5
    """Of the teacher's search."""
    seed: int = 1
    judged_ordinary: int = 64
    """Utterances of ordinary speech that the guard hears; 64 is all that there are."""
    reserved_share: float = 0.15
    """Of the time that is left when learning begins: for judging what was learned."""
    save_every_s: float = 20.0
    """Between two checkpoints while a student learns; it decides nothing about the result."""


def course(environment: Mapping[str, str] = os.environ) -> Course:
    """Return the defaults, with what the environment overrides.

    Raises:
        ValueError: an override is no field of a course.
        TypeError: it is of another type.
    """
    text = environment.get(OVERRIDES_VARIABLE)
    if not text:
        return Course()
    overrides = json.loads(text)
    known = {field.name: field.type for field in fields(Course)}
    for name, value in overrides.items():
        if name not in known:
            raise ValueError(f"{OVERRIDES_VARIABLE}: a course has no {name!r}")
        wanted = int if known[name] == "int" else (int, float)
        if not isinstance(value, wanted) or isinstance(value, bool):
            raise TypeError(f"{OVERRIDES_VARIABLE}: {name} cannot be {value!r}")
    return replace(Course(), **overrides)
