"""The network that learns: a low-rank change of it, trained step by step, on a CPU or a GPU."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from peft import LoraConfig, get_peft_model

from chalicelib.engines.whisper.low_rank import Change
from chalicelib.engines.whisper.mel import log_mel
from chalicelib.engines.whisper.model_file import ModelFile
from chalicelib.engines.whisper.tokens import Tokens
from training_image.whisper.augmentation import altered, masked
from training_image.whisper.course import Course
from training_image.whisper.lessons import BatchPlan
from training_image.whisper.weights import ADAPTED, changes, torch_model

_MOST_GRADIENT = 1.0
_IGNORED = -100


@dataclass(frozen=True)
class Batch:
    """What a student hears and is to say."""

    mel: NDArray[np.float32]
    """Shape (windows, bands, frames)."""
    given: NDArray[np.int64]
    """Tokens before each that is wanted, shape (windows, longest)."""
    wanted: NDArray[np.int64]
    """Tokens, _IGNORED where none is, shape (windows, longest)."""
    weights: NDArray[np.float32]
    """Of each wanted token, shape (windows, longest)."""


def batch(plan: BatchPlan, prompt: Sequence[int], end: int, bands: int, course: Course) -> Batch:
    """Read, alter and transform the audio of a batch.

    Args:
        plan: what is in it.
        prompt: tokens before a text, `<|notimestamps|>` with them.
        end: token behind a text.
        bands: of the features.
        course: how much is altered.
    """
    longest = max(len(one.ids) for one in plan.windows) + len(prompt)
    mel = np.zeros((len(plan.windows), bands, plan.frames), np.float32)
    given = np.full((len(plan.windows), longest), end, np.int64)
    wanted = np.full((len(plan.windows), longest), _IGNORED, np.int64)
    weights = np.zeros((len(plan.windows), longest), np.float32)
    for row, window in enumerate(plan.windows):
        random = np.random.default_rng(window.seed)
        heard = masked(log_mel(altered(window.samples(), course, random), bands), course, random)
        frames = min(heard.shape[1], plan.frames)
        mel[row, :, :frames] = heard[:, :frames]
        text = [*prompt, *window.ids, end]
        given[row, : len(text) - 1] = text[:-1]
        wanted[row, len(prompt) - 1 : len(text) - 1] = text[len(prompt) :]
        weights[row, len(prompt) - 1 : len(text) - 1] = [*window.weights, 1.0]
    return Batch(mel, given, wanted, weights)


class Student:
    """A network with a low-rank change that is trained, and the running mean of that change."""

    def __init__(self, base: ModelFile, tokens: Tokens, course: Course, steps: int, device: str = "cpu") -> None:
        """Take the network to begin with.

        Args:
            base: the network, not quantised, with whatever was taught to it before.
            tokens: its vocabulary.
            course: how it is trained.
            steps: that there will be; the rate falls over them.
            device: of PyTorch.
        """
        torch.manual_seed(course.seed)
        self._base, self._course, self._steps = base, course, steps
        self._device = torch.device(device)
        network = torch_model(base, tokens.start, tokens.end)
        adapted = get_peft_model(
            network,
            LoraConfig(r=course.rank, lora_alpha=2 * course.rank, target_modules=list(ADAPTED)),
        )
        self._adapted = adapted.to(self._device)
        self._inner: Any = adapted.base_model.model
        self._inner.train()
        self._positions = self._inner.model.encoder.embed_positions.weight.data.clone()
        self._trained = {
            name: value for name, value in self._adapted.named_parameters() if value.requires_grad
        }
        self._mean = {name: value.detach().clone() for name, value in self._trained.items()}
        self._optimiser = torch.optim.AdamW(self._trained.values(), lr=course.rate, weight_decay=0.0)
        self.step = 0
        """So many steps are done."""

    @property
    def parameters(self) -> int:
        """How many numbers are trained."""
        return sum(value.numel() for value in self._trained.values())

    def learn(self, lesson: Batch) -> float:
        """Take one step; return the loss before it, the mean over the wanted tokens."""
        for group in self._optimiser.param_groups:
            group["lr"] = self._rate()
        self._optimiser.zero_grad(set_to_none=True)
        loss = self._loss(lesson)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self._trained.values(), _MOST_GRADIENT)
        self._optimiser.step()
        self.step += 1
        decay = min(self._course.mean_decay, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for name, value in self._trained.items():
                self._mean[name].mul_(decay).add_(value, alpha=1 - decay)
        return float(loss.detach())

    def _rate(self) -> float:
        course = self._course
        warm = (self.step + 1) / (course.warm_up_steps + 1)
        falling = 1 - (1 - course.least_rate_share) * self.step / max(1, self._steps - 1)
        return course.rate * min(1.0, warm, max(course.least_rate_share, falling))

    def _loss(self, lesson: Batch) -> torch.Tensor:
        mel = torch.from_numpy(lesson.mel).to(self._device)
        given = torch.from_numpy(lesson.given).to(self._device)
        wanted = torch.from_numpy(lesson.wanted).to(self._device)
        weights = torch.from_numpy(lesson.weights).to(self._device)
        self._shorten(mel.shape[-1])
        there = wanted != _IGNORED
        with self._precision():
            out = self._inner.model(input_features=mel, decoder_input_ids=given)
            logits = self._inner.proj_out(out.last_hidden_state[there])
        each = torch.nn.functional.cross_entropy(logits.float(), wanted[there], reduction="none")
        shares = weights[there]
        return (each * shares).sum() / shares.sum().clamp(min=1e-6)

    def _precision(self) -> contextlib.AbstractContextManager[Any]:
        if self._device.type == "cpu" and not _CPU_BF16:
            return contextlib.nullcontext()
        return torch.autocast(self._device.type, dtype=torch.bfloat16)

    def _shorten(self, frames: int) -> None:
        """Let the encoder take windows of so many frames: it sees the first positions only."""
        encoder = self._inner.model.encoder
        if encoder.max_source_positions == frames // 2:
            return
        encoder.embed_positions = torch.nn.Embedding.from_pretrained(self._positions[: frames // 2])
        self._inner.config.max_source_positions = encoder.max_source_positions = frames // 2

    def changes(self) -> tuple[Change, ...]:
        """Return the running mean of what was learned, named after the arrays of the model file."""
        kept = {name: value.detach().clone() for name, value in self._trained.items()}
        with torch.no_grad():
            for name, value in self._trained.items():
                value.copy_(self._mean[name])
            found = changes(self._adapted, self._base.arrays)
            for name, value in self._trained.items():
                value.copy_(kept[name])
        return found

    def is_sound(self) -> bool:
        """Return whether every number of the running mean is one."""
        return all(bool(torch.isfinite(value).all()) for value in self._mean.values())


_CPU_BF16 = False
