"""What networks are adapted to in benches: speech as users have it, and audio that must do no harm.

Each condition can be had in two ways: measured on speech that defaults were never chosen by, or on development
speech, of the half that is learned from otherwise. What is measured is never learned from.
"""

from __future__ import annotations

import io
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from bench.figures import ROOT
from bench.foreign import SENTENCES
from bench.recordings import (
    LIKE_FOR_LIKE_MINUTES,
    Recording,
    RecordingsUnavailable,
    about,
    an4,
    as_wav,
    babble,
    in_noise,
    machine_noise,
)
from bench.training_job import Case
from chalicelib.engines.catalogue import BASE_MODELS
from fitting import synthesisers
from infra.local.demo.__main__ import ADAPTATION_AUDIO_S, HELD_OUT_UTTERANCES, SPLIT_SEED
from infra.local.demo.prompts import fetch_prompts
from training_image.speech import non_speech

BROADBAND = BASE_MODELS["en-US_BroadbandModel"].newest_version
NARROWBAND = BASE_MODELS["en-US_NarrowbandModel"].newest_version
RATE_HZ = 16_000
DEVELOPMENT_SPEAKERS = 14
HARM_MINUTES = 10.0
FEWEST_READ_WORDS = 4
"""Of what the other voice reads: letters and words by themselves are read oddly."""
HELD_OUT_READ = 60
_PIECE_S = 20.0
"""Of audio in which nobody can be understood."""
_SHUFFLED_S = 0.1
_FOREIGN_VOICES = ("", "+f2", "+m3", "+f4", "+m7")
Sound = NDArray[np.float32]


@dataclass(frozen=True)
class Condition:
    """One kind of audio to learn from."""

    make: Callable[[bool], Case]
    """Takes whether development speech is to be measured on."""
    harmful: bool = False
    """Nothing good can be learned from it: ordinary speech is measured on."""


def an4_case(condition: str, *, development: bool, minutes: float = LIKE_FOR_LIKE_MINUTES) -> Case:
    """Return many speakers who spell, count and command: some of AN4's training half to learn from."""
    base = NARROWBAND if "telephone" in condition else BROADBAND
    speech = an4("train", condition)
    if not development:
        return Case(about(speech, minutes), an4("test", condition), base)
    held_out = _development_speakers(speech)
    others = [one for one in speech if one.speaker not in held_out]
    return Case(about(others, minutes), [one for one in speech if one.speaker in held_out], base)


def _development_speakers(speech: Sequence[Recording]) -> frozenset[str]:
    names = sorted({one.speaker for one in speech})
    return frozenset(random.Random(SPLIT_SEED).sample(names, DEVELOPMENT_SPEAKERS))


def prompts_case(noise_db: float | None, *, development: bool) -> Case:
    """Return one voice on a telephone line that reads prompts, by itself or with a machine beside the caller."""
    read = [
        Recording(prompt.path.read_bytes(), prompt.text, prompt.duration_s)
        for prompt in fetch_prompts(ROOT / ".attune" / "prompts")
    ]
    if noise_db is not None:
        read = [_beside_a_machine(one, noise_db, number) for number, one in enumerate(read)]
    return _split(read, NARROWBAND, development=development)


def _split(
    read: Sequence[Recording],
    base_version: str,
    *,
    development: bool,
    held_out: int = HELD_OUT_UTTERANCES,
) -> Case:
    """Hold out as the demo does; for development, as many of the others."""
    shuffled = list(read)
    random.Random(SPLIT_SEED).shuffle(shuffled)
    if development:
        shuffled = shuffled[held_out:]
    adaptation: list[Recording] = []
    for one in shuffled[held_out:]:
        if sum(chosen.duration_s for chosen in adaptation) >= ADAPTATION_AUDIO_S:
            break
        adaptation.append(one)
    return Case(adaptation, shuffled[:held_out], base_version)


def _beside_a_machine(recording: Recording, snr_db: float, number: int) -> Recording:
    samples, rate_hz = soundfile.read(io.BytesIO(recording.wav), dtype="float32")
    wide = (soxr.resample(samples, rate_hz, RATE_HZ) * 32767).clip(-32768, 32767).astype(np.int16)
    noise = machine_noise(len(wide), np.random.default_rng((SPLIT_SEED, number)))
    heard = soxr.resample(in_noise(wide, noise, snr_db).astype(np.float32), RATE_HZ, rate_hz)
    wav = as_wav(heard.clip(-32768, 32767).astype(np.int16), rate_hz)
    return Recording(wav, recording.text, recording.duration_s)


def clear_voice(*, development: bool) -> Case:
    """Return the prompts' sentences read by another voice, close and clean, of which the base is already sure.

    Raises:
        RecordingsUnavailable: they have not been read out yet; the message says how.
    """
    folder = ROOT / ".attune" / "bench" / "clear-voice"
    folder.mkdir(parents=True, exist_ok=True)
    prompts = fetch_prompts(ROOT / ".attune" / "prompts")
    files = [folder / f"{number:05d}.wav" for number in range(len(prompts))]
    if not all(file.exists() for file in files):
        sentences = folder / "sentences.txt"
        sentences.write_text("".join(f"{prompt.text.capitalize()}.\n" for prompt in prompts))
        raise RecordingsUnavailable(
            "have it read out, by a Python with the packages of requirements/fitting.txt: "
            f"python -m fitting.synthesisers {sentences} {folder}"
        )
    read = [
        Recording(file.read_bytes(), prompt.text, soundfile.info(file).duration)
        for prompt, file in zip(prompts, files, strict=True)
        if len(prompt.text.split()) >= FEWEST_READ_WORDS
    ]
    return _split(read, BROADBAND, development=development, held_out=HELD_OUT_READ)


def _harm(pieces: Callable[[], Sequence[Sound]]) -> Condition:
    """Audio without use; AN4's clean speech is measured on."""

    def make(development: bool) -> Case:
        adaptation = [Recording(_wav(piece), "", len(piece) / RATE_HZ) for piece in pieces()]
        test = an4_case("clean", development=development).test
        return Case(adaptation, test, BROADBAND)

    return Condition(make, harmful=True)


def _unspoken(name: str) -> Condition:
    """Ten minutes of one kind of sound."""
    make_sound = non_speech.KINDS["guard"][name]

    def pieces() -> list[Sound]:
        return [
            np.clip(make_sound(int(_PIECE_S * RATE_HZ), np.random.default_rng((3, number))), -1, 1).astype(
                np.float32
            )
            for number in range(round(60 * HARM_MINUTES / _PIECE_S))
        ]

    return _harm(pieces)


def _voices() -> list[NDArray[np.int16]]:
    return [soundfile.read(io.BytesIO(one.wav), dtype="int16")[0] for one in an4("train", "clean")]


def _babble() -> list[Sound]:
    voices, chance = _voices(), np.random.default_rng(7)
    count = int(_PIECE_S * RATE_HZ)
    return [
        (0.1 * babble(count, voices, chance)).clip(-1, 1).astype(np.float32)
        for _ in range(round(60 * HARM_MINUTES / _PIECE_S))
    ]


def _one_word() -> list[Sound]:
    spoken = next(one for one in an4("train", "clean") if one.text == "yes")
    samples, _ = soundfile.read(io.BytesIO(spoken.wav), dtype="float32")
    many = np.tile(np.append(samples, np.zeros(RATE_HZ // 2, np.float32)), 14)
    chance = np.random.default_rng(5)
    count = int(60 * HARM_MINUTES / (len(many) / RATE_HZ)) + 1
    return [(many + chance.normal(0, 0.0006, len(many))).astype(np.float32) for _ in range(count)]


def _shuffled() -> list[Sound]:
    """Speech in pieces of a tenth of a second, in another order."""
    chance = np.random.default_rng(9)
    found = []
    for one in about(an4("train", "clean"), HARM_MINUTES):
        samples, _ = soundfile.read(io.BytesIO(one.wav), dtype="float32")
        length = int(_SHUFFLED_S * RATE_HZ)
        pieces = samples[: len(samples) // length * length].reshape(-1, length)
        found.append(chance.permutation(pieces).reshape(-1))
    return [one for one in found if len(one)]


def _foreign(language: str) -> Condition:
    """Ten minutes of another language."""

    def pieces() -> list[Sound]:
        chance = random.Random(11)
        found: list[Sound] = []
        while sum(map(len, found)) < 60 * HARM_MINUTES * RATE_HZ:
            sentence = " ".join(chance.sample(SENTENCES[language], 2))
            voice = language + chance.choice(_FOREIGN_VOICES)
            found.append(synthesisers.espeak(sentence, voice, chance.randint(130, 200)))
        return found

    return _harm(pieces)


def _wav(sound: Sound) -> bytes:
    return as_wav((32767 * sound).clip(-32768, 32767).astype(np.int16), RATE_HZ)


def _of_an4(condition: str) -> Condition:
    return Condition(lambda development: an4_case(condition, development=development))


CONDITIONS = {
    "an4-noise-5": _of_an4("noise-5"),
    "an4-clean": _of_an4("clean"),
    "an4-telephone": _of_an4("telephone"),
    "an4-babble-5-room": _of_an4("room+babble-5"),
    "an4-noise-10": _of_an4("noise-10"),
    "prompts": Condition(lambda development: prompts_case(None, development=development)),
    "prompts-noise-5": Condition(lambda development: prompts_case(5.0, development=development)),
    "clear-voice": Condition(lambda development: clear_voice(development=development)),
    "harm-white-noise": _unspoken("white noise"),
    "harm-pink-noise": _unspoken("pink noise"),
    "harm-tones": _unspoken("tones"),
    "harm-chords": _unspoken("major chords"),
    "harm-clicks": _unspoken("clicks"),
    "harm-one-word": _harm(_one_word),
    "harm-babble": _harm(_babble),
    "harm-shuffled": _harm(_shuffled),
    "harm-german": _foreign("de"),
    "harm-korean": _foreign("ko"),
    "harm-finnish": _foreign("fi"),
}
