"""Teaches a Whisper network to hear in a short window what it hears in its own of 30 seconds.

`python -m fitting.whisper.fit_short_window SPEECH OUTPUT`. The teacher is the network itself: it
reads each recording of the folder in 30 s. The student is the same network with a low-rank change (Hu et al.
2021). In a window that ends soon behind the speech, it learns to give every token of the reading the same
probability (distillation: Hinton et al. 2015), and the same hidden states to the speech, as FUTO's
whisper-acft does. No transcripts are needed. Which speech the change in the package was taught on stands
beside it.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np
import torch
from numpy.typing import NDArray
from peft import LoraConfig, get_peft_model

from chalicelib.audio.decoding import read_mono
from chalicelib.engines.whisper.mel import FRAMES_PER_S, SAMPLE_RATE_HZ, WHOLE, Mel, log_mel, windowed
from chalicelib.engines.whisper.model.low_rank import delta_bytes
from chalicelib.engines.whisper.model.model_file import read_model
from chalicelib.engines.whisper.model.weights import MODEL_SHA256, package_folder
from training_image.whisper.weights import ADAPTED, changes, layers, torch_model

START, END, NO_TIMES = 50257, 50256, 50362
"""Of the English vocabulary."""
BEAM = 5
LIKELIEST = 64
"""So many tokens of each of the teacher's distributions are kept, and the rest as one."""
LONGEST_TEXT = 200
HIDDEN_WEIGHT = 0.5
BATCH = 8
MOST_ZEROS_S = 4.0


@dataclass(frozen=True)
class ShortWindowLesson:
    """One recording as the teacher heard it."""

    mel: Mel
    ids: tuple[int, ...]
    """Start, no times, the text."""
    hidden: NDArray[np.float16]
    """What the encoder makes of the speech, shape (positions, width)."""
    likeliest: NDArray[np.int64]
    """Ids of the likeliest tokens, shape (len(ids), LIKELIEST)."""
    log_probabilities: NDArray[np.float32]
    """Theirs, and of all others together, shape (len(ids), LIKELIEST + 1)."""


@dataclass(frozen=True)
class ShortWindowCourse:
    """How the student is taught."""

    rank: int = 16
    epochs: int = 5
    rate: float = 3e-4
    """Of the optimiser, after its first steps."""
    seed: int = 1


def teach(
    folder: Path, files: Sequence[Path], network: torch.nn.Module, threads: int, longest_s: float
) -> list[ShortWindowLesson]:
    """Let the network read each recording in its whole window."""
    reader = ctranslate2.models.Whisper(str(folder), compute_type="int8", intra_threads=threads)
    lessons = []
    for path in files:
        samples = read_mono(path, None, SAMPLE_RATE_HZ)
        if len(samples) > longest_s * SAMPLE_RATE_HZ:
            continue
        mel = log_mel(samples)
        encoded = reader.encode(ctranslate2.StorageView.from_array(windowed(mel, WHOLE)[None]))
        (found,) = reader.generate(encoded, [[START, NO_TIMES]], beam_size=BEAM, max_length=2 * LONGEST_TEXT)
        ids = [START, NO_TIMES, *found.sequences_ids[0]]
        hidden = np.array(encoded)
        with torch.inference_mode():
            logits = network(
                encoder_outputs=(torch.from_numpy(hidden),), decoder_input_ids=torch.tensor([ids])
            ).logits[0]
            known = torch.log_softmax(logits, -1).topk(LIKELIEST)
            rest = torch.log1p(-known.values.exp().sum(-1, keepdim=True).clamp(max=1 - 1e-6))
            values = torch.cat([known.values, rest], -1)
        heard = hidden[0, : mel.shape[1] // 2].astype(np.float16)
        lessons.append(ShortWindowLesson(mel, tuple(ids), heard, known.indices.numpy(), values.numpy()))
        if len(lessons) % 20 == 0:
            print(f"read {len(lessons)} of {len(files)}", flush=True)
    return lessons


def batches(
    lessons: Sequence[ShortWindowLesson], choice: random.Random
) -> list[tuple[int, list[ShortWindowLesson]]]:
    """Return lessons of similar length together, with the frames of their window, in a random order."""
    by_length = sorted(lessons, key=lambda one: one.mel.shape[1] * choice.uniform(0.8, 1.25))
    found = []
    for at in range(0, len(by_length), BATCH):
        together = list(by_length[at : at + BATCH])
        longest = max(one.mel.shape[1] for one in together)
        zeros = int(FRAMES_PER_S * choice.uniform(0.5, MOST_ZEROS_S))
        found.append((min(3000, 2 * ((longest + zeros) // 2)), together))
    choice.shuffle(found)
    return found


def loss_of(
    network: Any, frames: int, lessons: Sequence[ShortWindowLesson]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return how far the student in a window of so many frames is from the teacher: tokens, hidden states."""
    mel = np.zeros((len(lessons), lessons[0].mel.shape[0], frames), np.float32)
    for row, one in zip(mel, lessons, strict=True):
        row[:, : one.mel.shape[1]] = one.mel
    longest = max(len(one.ids) for one in lessons)
    given = torch.full((len(lessons), longest), END)
    for row, one in zip(given, lessons, strict=True):
        row[: len(one.ids)] = torch.tensor(one.ids)
    out = network.model(input_features=torch.from_numpy(mel), decoder_input_ids=given)
    there = torch.arange(longest) < torch.tensor([[len(one.ids)] for one in lessons])
    log = torch.log_softmax(network.proj_out(out.last_hidden_state[there]).float(), -1)
    picked = log.gather(-1, torch.from_numpy(np.concatenate([one.likeliest for one in lessons])))
    rest = torch.log1p(-picked.exp().sum(-1, keepdim=True).clamp(max=1 - 1e-6))
    wanted = torch.from_numpy(np.concatenate([one.log_probabilities for one in lessons]))
    tokens = (wanted.exp() * (wanted - torch.cat([picked, rest], -1))).sum(-1).mean()
    hidden = torch.zeros(())
    for number, one in enumerate(lessons):
        heard = torch.from_numpy(one.hidden.astype(np.float32))
        apart = out.encoder_last_hidden_state[number, : len(heard)].float() - heard
        hidden = hidden + apart.square().mean() / heard.square().mean()
    return tokens, hidden / len(lessons)


def shorten(network: Any, positions: torch.Tensor, frames: int) -> None:
    """Let the encoder take windows of so many frames: it sees the first positions only."""
    encoder = network.model.encoder
    encoder.embed_positions = torch.nn.Embedding.from_pretrained(positions[: frames // 2])
    network.config.max_source_positions = encoder.max_source_positions = frames // 2


def fit(network: Any, lessons: Sequence[ShortWindowLesson], course: ShortWindowCourse) -> Any:
    """Train a low-rank change; returns the running mean over its steps."""
    torch.manual_seed(course.seed)
    choice = random.Random(course.seed)
    positions = network.model.encoder.embed_positions.weight.data.clone()
    adapted = get_peft_model(
        network, LoraConfig(r=course.rank, lora_alpha=2 * course.rank, target_modules=list(ADAPTED))
    )
    inner = adapted.base_model.model
    inner.train()
    trained = {name: value for name, value in adapted.named_parameters() if value.requires_grad}
    mean = {name: value.detach().clone() for name, value in trained.items()}
    optimiser = torch.optim.AdamW(trained.values(), lr=course.rate, weight_decay=0.0)
    steps = course.epochs * -(-len(lessons) // BATCH)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: min(1.0, (step + 1) / 20, max(0.05, 1.1 * (1 - step / steps)))
    )
    step, started = 0, time.monotonic()
    for epoch in range(course.epochs):
        seen: list[tuple[float, float]] = []
        for frames, together in batches(lessons, choice):
            shorten(inner, positions, frames)
            tokens, hidden = loss_of(inner, frames, together)
            optimiser.zero_grad()
            (tokens + HIDDEN_WEIGHT * hidden).backward()
            torch.nn.utils.clip_grad_norm_(trained.values(), 1.0)
            optimiser.step()
            schedule.step()
            step += 1
            decay = min(0.97, (1 + step) / (10 + step))
            with torch.no_grad():
                for name, value in trained.items():
                    mean[name].mul_(decay).add_(value, alpha=1 - decay)
            seen.append((tokens.item(), hidden.item()))
            if step % 10 == 0:
                recent = np.mean(seen[-10:], axis=0).round(4)
                print(f"step {step} of {steps}: {recent}, {time.monotonic() - started:.0f} s", flush=True)
        print(f"epoch {epoch + 1}: tokens, hidden {np.mean(seen, axis=0).round(4)}", flush=True)
    with torch.no_grad():
        for name, value in trained.items():
            value.copy_(mean[name])
    return adapted


def main(argv: Sequence[str]) -> int:
    """Read, train, and write the change."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("speech", type=Path, nargs="+", help="folders of WAV files at 16 kHz")
    parser.add_argument("output", type=Path)
    parser.add_argument("--rank", type=int, default=16)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--rate", type=float, default=3e-4)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--longest", type=float, default=10.0, help="seconds; longer recordings are left out")
    parser.add_argument("--threads", type=int, default=2)
    chosen = parser.parse_args(argv)
    torch.set_num_threads(chosen.threads)
    folder = package_folder()
    base = read_model(folder / "model.bin")
    network = torch_model(base, START, END)
    files = sorted(path for folder in chosen.speech for path in folder.rglob("*.wav"))
    lessons = teach(folder, files, network, chosen.threads, chosen.longest)
    adapted = fit(network, lessons, ShortWindowCourse(chosen.rank, chosen.epochs, chosen.rate, chosen.seed))
    chosen.output.write_bytes(delta_bytes(MODEL_SHA256, changes(adapted, layers(base.arrays))))
    print(f"taught by {len(lessons)} recordings, written to {chosen.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
