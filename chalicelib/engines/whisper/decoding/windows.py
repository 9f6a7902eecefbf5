"""From samples to readings: windows, beam search, and what is done when the network repeats itself."""

from __future__ import annotations

import dataclasses
import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.engines.protocol import Samples
from chalicelib.engines.whisper.decoding import guards
from chalicelib.engines.whisper.decoding.alignment import AlignedWords
from chalicelib.engines.whisper.decoding.network import MOST_TOKENS, Encoded, Network, Reading, SearchResult
from chalicelib.engines.whisper.mel import FRAMES_PER_S, SHORT, WHOLE, Mel, Window, log_mel, windowed

_TOKENS_ALWAYS, _TOKENS_PER_S, _TOKENS_STEP_S = 16, 10.0, 5.0
_LARGEST_BATCH = 8
_LEAST_S = 0.1
"""No word is shorter; of a click the network makes "Thank you."."""


@dataclass(frozen=True)
class DecodingRules:
    """How windows are decoded."""

    window: Window = SHORT
    beam: int = 5
    as_said: bool = True
    """Numbers in digits are searched again in words where digits hide how they were said."""
    again: Window | None = WHOLE
    """What is odd is decoded again in this window, if it is longer; that costs up to eight times as much."""


RULES = DecodingRules()


@dataclass(frozen=True)
class DecodedWindow:
    """What was found in one window."""

    encoded: Encoded
    """For alignment."""
    readings: tuple[Reading, ...] = ()
    """Best first; none when nobody spoke. Numbers may stand in words."""
    wider: tuple[Reading, ...] = ()
    """Others, which a wider search has found, best first."""
    written: Reading | None = None
    """The best reading as the network writes it."""
    no_speech: float = 0.0
    suppressed: tuple[int, ...] = ()
    """Ids that the readings may not have."""
    odd: bool = False
    """The network repeated itself."""
    aligned: AlignedWords | None = None
    """The words of the best reading, where they have been aligned."""


def decode(
    network: Network, utterances: Sequence[Samples], rules: DecodingRules = RULES, readings: int = 1
) -> list[DecodedWindow]:
    """Decode utterances that fit into a window each; a batch of those of equal windows changes nothing.

    Args:
        network: what recognises.
        utterances: samples at 16 kHz.
        rules: how.
        readings: so many are wanted of each, at most `rules.beam`.

    Raises:
        ValueError: an utterance is too long, or more readings are wanted than are followed.
    """
    mels = [log_mel(samples, network.bands) for samples in utterances]
    groups: dict[tuple[int, int], list[int]] = defaultdict(list)
    for place, mel in enumerate(mels):
        groups[rules.window.frames(mel.shape[1]), _most_tokens(mel.shape[1])].append(place)
    decoded: dict[int, DecodedWindow] = {}
    for places in groups.values():
        for first in range(0, len(places), _LARGEST_BATCH):
            batch = places[first : first + _LARGEST_BATCH]
            results = _batch(network, [mels[place] for place in batch], rules, readings)
            decoded.update(zip(batch, results, strict=True))
    return [decoded[place] for place in range(len(utterances))]


def _batch(network: Network, mels: Sequence[Mel], rules: DecodingRules, readings: int) -> list[DecodedWindow]:
    encoded = network.encode([windowed(mel, rules.window) for mel in mels], [mel.shape[1] for mel in mels])
    found = network.search(
        encoded, beam=rules.beam, readings=readings, most_tokens=_most_tokens(mels[0].shape[1])
    )
    singles = encoded.split() if len(mels) > 1 else [encoded]
    return [
        _settled(network, mel, single, one, rules=rules, readings=readings)
        for mel, single, one in zip(mels, singles, found, strict=True)
    ]


def _settled(
    network: Network, mel: Mel, encoded: Encoded, found: SearchResult, *, rules: DecodingRules, readings: int
) -> DecodedWindow:
    """Return what is believed of a window; searches once more where that is needed."""
    speech_frames = mel.shape[1]
    nothing = DecodedWindow(encoded, no_speech=found.no_speech)
    if speech_frames < _LEAST_S * FRAMES_PER_S or guards.unheard(
        _evidence(network, found, found.readings[0], speech_frames)
    ):
        return nothing
    odd = _odd(network, found, speech_frames)
    if odd and rules.again is not None and encoded.frames < rules.again.frames(speech_frames):
        # In longer windows, which the network was trained on, it rarely repeats itself.
        window = rules.again
        longer = network.encode([windowed(mel, window)], [speech_frames])
        settled = _searched(network, longer, rules.beam, readings)
        once = dataclasses.replace(rules, again=None)
        return _settled(network, mel, longer, settled, rules=once, readings=readings)
    nothing = dataclasses.replace(nothing, odd=odd)
    believed = _believed(network, found, speech_frames)
    if not believed:
        return nothing
    suppressed: tuple[int, ...] = ()
    written = believed[0]
    as_said = rules.as_said and network.is_english
    if as_said and _ambiguous_numbers(network, written):
        digits = network.tokens.containing_any(guards.NUMBER_SIGNS)
        said = _searched(network, encoded, rules.beam, readings, digits)
        texts = (network.tokens.decode(reading.ids) for reading in (written, said.readings[0]))
        if not _odd(network, said, speech_frames) and guards.says_numbers(*texts):
            suppressed, believed = digits, _believed(network, said, speech_frames)
    elif as_said:
        believed = tuple(one for one in believed if not _ambiguous_numbers(network, one))
    return dataclasses.replace(nothing, readings=believed, written=written, suppressed=suppressed)


def widened(network: Network, decoded: DecodedWindow, beam: int) -> DecodedWindow:
    """Return the same with the other readings of a wider search."""
    if not decoded.readings:
        return decoded
    speech_frames = decoded.encoded.speech_frames[0]
    found = _searched(network, decoded.encoded, beam, beam, decoded.suppressed)
    known = {one.ids for one in decoded.readings}
    others = tuple(one for one in _believed(network, found, speech_frames) if one.ids not in known)
    return dataclasses.replace(decoded, wider=others)


def _believed(network: Network, found: SearchResult, speech_frames: int) -> tuple[Reading, ...]:
    return tuple(
        one for one in found.readings if not guards.looping(_evidence(network, found, one, speech_frames))
    )


def _searched(
    network: Network, encoded: Encoded, beam: int, readings: int, suppressed: Sequence[int] = ()
) -> SearchResult:
    [found] = network.search(
        encoded,
        beam=beam,
        readings=readings,
        most_tokens=_most_tokens(encoded.speech_frames[0]),
        suppressed=suppressed,
    )
    return found


def _most_tokens(speech_frames: int) -> int:
    """Return how many tokens can be said in about that time, so that a text without end costs little."""
    speech_s = _TOKENS_STEP_S * math.ceil(speech_frames / FRAMES_PER_S / _TOKENS_STEP_S)
    return min(MOST_TOKENS // 2, int(_TOKENS_ALWAYS + _TOKENS_PER_S * speech_s))


def _odd(network: Network, found: SearchResult, speech_frames: int) -> bool:
    evidence = _evidence(network, found, found.readings[0], speech_frames)
    text = evidence.text
    return guards.looping(evidence) or guards.repetitive(text) or guards.doubled(text)


def _evidence(
    network: Network, found: SearchResult, reading: Reading, speech_frames: int
) -> guards.ReadingEvidence:
    return guards.ReadingEvidence(
        text=network.tokens.decode(reading.ids),
        tokens=len(reading.ids),
        score=reading.score,
        no_speech=found.no_speech,
        speech_s=speech_frames / FRAMES_PER_S,
        cut_short=len(reading.ids) >= _most_tokens(speech_frames),
    )


def _ambiguous_numbers(network: Network, reading: Reading) -> bool:
    return guards.ambiguous_numbers(network.tokens.decode(reading.ids))
