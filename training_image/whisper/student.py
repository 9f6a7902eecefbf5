"""The network that learns: a low-rank change of it, trained step by step, on a CPU or a GPU."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import logging
import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from peft import LoraConfig, PeftModel, get_peft_model
from peft.tuners.lora import LoraLayer

from chalicelib.engines.whisper.mel import log_mel
from chalicelib.engines.whisper.model.low_rank import Change
from chalicelib.engines.whisper.model.model_file import ModelFile
from chalicelib.engines.whisper.tokens import Tokens
from training_image.whisper.augmentation import altered, masked
from training_image.whisper.course import Course
from training_image.whisper.lessons import BatchPlan
from training_image.whisper.weights import ADAPTED, ADAPTED_OF_ENCODER, changes, layers, torch_model
from training_image.whisper.world import World

_MOST_GRADIENT = 1.0
_MOST_UNSOUND = 5
_IGNORED = -100
SPEECH_WEIGHT = 1.0
"""That somebody speaks in a window counts as so many tokens."""
_MOST_SURE = 1 - 1e-4
"""That nobody speaks: beyond it the loss has no number."""
_NO_SPEECH = -1
"""`<|nospeech|>` stands before `<|notimestamps|>` in every vocabulary of the family."""
_TOKENS_STEP = 8
"""Texts are as long as a multiple of this, for the same reason as windows."""
_BFLOAT16 = frozenset({"avx512_bf16", "amx_bf16", "bf16"})
"""What Linux calls it, on x86-64 and arm64."""
_MOMENTS = ("exp_avg", "exp_avg_sq")

Gradient = tuple[torch.Tensor, ...]
"""Of every trained parameter, in their order."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TeachingBatch:
    """What a student hears and is to say."""

    mel: NDArray[np.float32]
    """Shape (windows, bands, frames)."""
    given: NDArray[np.int64]
    """Tokens before each that is wanted, shape (windows, longest)."""
    wanted: NDArray[np.int64]
    """Tokens, _IGNORED where none is, shape (windows, longest)."""
    weights: NDArray[np.float32]
    """Of each wanted token, shape (windows, longest)."""
    no_speech: int
    """The token that says behind the first one that nobody speaks."""
    total: float
    """Sum of the weights of all windows that are heard at once, wherever, those of `speaks` with them."""

    @property
    def size(self) -> int:
        """How many windows there are."""
        return len(self.mel)

    @property
    def speaks(self) -> NDArray[np.bool_]:
        """In which windows somebody speaks, shape (windows,): there `no_speech` is not to be said."""
        return np.asarray(self.wanted[:, 0] == _IGNORED)

    def parts(self, most: int) -> list[TeachingBatch]:
        """Return the windows in so many parts of much the same size, or in fewer."""
        width = max(1, -(-self.size // most))
        return [self._part(slice(first, first + width)) for first in range(0, self.size, width)]

    def _part(self, some: slice) -> TeachingBatch:
        return dataclasses.replace(
            self,
            mel=self.mel[some],
            given=self.given[some],
            wanted=self.wanted[some],
            weights=self.weights[some],
        )


class Diverged(Exception):
    """Training gave values that are no numbers, several steps in a row."""


def batch(
    plan: BatchPlan, prompt: Sequence[int], end: int, bands: int, course: Course, *, part: slice = slice(None)
) -> TeachingBatch:
    """Read, alter and transform the audio of a batch.

    Args:
        plan: what is in it.
        part: which of its windows; the others are heard elsewhere.
        prompt: tokens before a text, `<|notimestamps|>` with them.
        end: token behind a text.
        bands: of the features.
        course: how much is altered.
    """
    windows = plan.windows[part]
    longest = max(len(one.ids) for one in plan.windows) + len(prompt)
    longest = _TOKENS_STEP * -(-longest // _TOKENS_STEP)
    mel = np.zeros((len(windows), bands, plan.frames), np.float32)
    given = np.full((len(windows), longest), end, np.int64)
    wanted = np.full((len(windows), longest), _IGNORED, np.int64)
    weights = np.zeros((len(windows), longest), np.float32)
    no_speech = prompt[-1] + _NO_SPEECH
    for row, window in enumerate(windows):
        random = np.random.default_rng(window.seed)
        heard = masked(log_mel(altered(window.samples(), course, random), bands), course, random)
        frames = min(heard.shape[1], plan.frames)
        mel[row, :, :frames] = heard[:, :frames]
        text = [*prompt, *window.ids, end]
        given[row, : len(text) - 1] = text[:-1]
        wanted[row, len(prompt) - 1 : len(text) - 1] = text[len(prompt) :]
        weights[row, len(prompt) - 1 : len(text) - 1] = [1.0] * len(window.ids) + [window.end_weight]
        if not window.ids:
            # Whether anybody speaks is read behind the first token, where the network was taught to say it.
            wanted[row, 0], weights[row, 0] = no_speech, window.end_weight
    total = sum(
        len(one.ids) + one.end_weight + (SPEECH_WEIGHT if one.ids else one.end_weight) for one in plan.windows
    )
    return TeachingBatch(mel, given, wanted, weights, no_speech, max(total, 1e-6))


class Student:
    """A network with a low-rank change that is trained, and the running mean of that change."""

    def __init__(
        self,
        base: ModelFile,
        tokens: Tokens,
        course: Course,
        steps: int,
        *,
        device: str = "cpu",
        cores: int = 1,
        world: World | None = None,
    ) -> None:
        """Take the network to begin with.

        Args:
            base: the network, not quantised, with whatever was taught to it before.
            tokens: its vocabulary.
            course: how it is trained.
            steps: that there will be; the rate falls over them.
            device: of PyTorch.
            cores: of a CPU: so many threads compute.
            world: the processes that learn together; None: this one alone.
        """
        torch.manual_seed(course.seed)
        self._world = world or World()
        self._layers, self._course, self._steps = layers(base.arrays), course, steps
        self._device, self._cores = torch.device(device), cores
        network = torch_model(base, tokens.start, tokens.end)
        adapted = get_peft_model(
            network,
            LoraConfig(
                r=course.rank,
                lora_alpha=2 * course.rank,
                target_modules=list(ADAPTED) if course.decoder else ADAPTED_OF_ENCODER,
            ),
        )
        self._adapted = adapted.to(self._device)
        self._inner: Any = adapted.base_model.model
        self._inner.train()
        if self._in_16_bits:
            _spare_casts(adapted)
        if self._device.type == "cpu":
            # What PyTorch fuses for CPUs takes longer than one product after the other.
            network.set_attn_implementation("eager")
        self._positions = self._inner.model.encoder.embed_positions.weight.data.clone()
        self._trained = {
            name: value for name, value in self._adapted.named_parameters() if value.requires_grad
        }
        self._mean = {name: value.detach().clone() for name, value in self._trained.items()}
        self._optimiser = torch.optim.AdamW(self._trained.values(), lr=course.rate, weight_decay=0.0)
        self.bands: int = network.config.num_mel_bins
        """Of the features."""
        self.step = 0
        """So many steps are done."""
        self.parts = 1
        """In which a batch is heard."""
        self._unsound = 0

    @property
    def parameters(self) -> int:
        """How many numbers are trained."""
        return sum(value.numel() for value in self._trained.values())

    def learn(self, lesson: TeachingBatch) -> float:
        """Take one step; return the loss before it, the mean over the wanted tokens.

        What does not fit into the device's memory is heard in halves, which gives the same gradient.

        Raises:
            Diverged: losses or gradients are no numbers, several steps in a row.
            MemoryError: not even one window fits.
        """
        for group in self._optimiser.param_groups:
            group["lr"] = self._rate()
        while True:
            try:
                loss = self._gradient(lesson)
                break
            except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
                if not _is_memory(error):
                    raise
                if self.parts >= lesson.size:  # in every process: those that still can would wait for ever
                    raise MemoryError("not even one window fits into the memory") from None
                self.parts = min(2 * self.parts, lesson.size)
                _log.warning("too little memory: each batch is heard in %d parts from now on", self.parts)
        self._world.add_gradients(self._trained.values())
        loss = self._world.added(loss)
        norm = torch.nn.utils.clip_grad_norm_(self._trained.values(), _MOST_GRADIENT)
        self.step += 1
        if not (math.isfinite(loss) and math.isfinite(float(norm))):
            self._unsound += 1
            _log.warning("step %d gave no numbers and is left out", self.step)
            if self._unsound >= _MOST_UNSOUND:
                raise Diverged
            return loss
        self._unsound = 0
        self._optimiser.step()
        decay = min(self._course.mean_decay, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for name, value in self._trained.items():
                self._mean[name].mul_(decay).add_(value, alpha=1 - decay)
        return loss

    def _gradient(self, lesson: TeachingBatch) -> float:
        """Leave the gradient of the mean loss with the parameters; return that loss."""
        self._optimiser.zero_grad(set_to_none=True)
        self._shorten(lesson.mel.shape[-1])
        loss = 0.0
        for part in lesson.parts(self.parts):
            for found, gradient in self._side_by_side(part):
                loss += found
                for value, one in zip(self._trained.values(), gradient, strict=True):
                    value.grad = one if value.grad is None else value.grad.add_(one)
        return loss

    def _side_by_side(self, lesson: TeachingBatch) -> list[tuple[float, Gradient]]:
        """Return losses and gradients of shares of a batch: one for each core, if there are so many windows.

        The cores of a CPU get less done when they share every product of matrices.
        """
        shares = lesson.parts(self._cores if self._device.type == "cpu" else 1)
        threads = max(1, self._cores // max(1, len(shares)))

        def found(share: TeachingBatch) -> tuple[float, Gradient]:
            torch.set_num_threads(threads)  # of this thread
            loss = self._loss(share) / lesson.total
            return float(loss.detach()), torch.autograd.grad(loss, list(self._trained.values()))

        if len(shares) <= 1:
            return [found(share) for share in shares]
        with ThreadPoolExecutor(len(shares)) as pool:
            return list(pool.map(found, shares))

    def _rate(self) -> float:
        course = self._course
        warm = (self.step + 1) / (course.warm_up_steps + 1)
        falling = 1 - (1 - course.least_rate_share) * self.step / max(1, self._steps - 1)
        return course.rate * min(1.0, warm, max(course.least_rate_share, falling))

    def _loss(self, lesson: TeachingBatch) -> torch.Tensor:
        """Return the sum over the wanted tokens."""
        mel = torch.from_numpy(lesson.mel).to(self._device)
        given = torch.from_numpy(lesson.given).to(self._device)
        wanted = torch.from_numpy(lesson.wanted).to(self._device)
        weights = torch.from_numpy(lesson.weights).to(self._device)
        there = wanted != _IGNORED
        speaks = torch.from_numpy(lesson.speaks).to(self._device)
        with self._precision():
            out = self._inner.model(input_features=mel, decoder_input_ids=given)
            logits = self._inner.proj_out(out.last_hidden_state[there])
            first = self._inner.proj_out(out.last_hidden_state[speaks, 0])
        each = torch.nn.functional.cross_entropy(logits.float(), wanted[there], reduction="none")
        # Taught in silence alone, a network would soon say of everything that nobody speaks.
        silent = first.float().softmax(dim=-1)[:, lesson.no_speech].clamp(max=_MOST_SURE)
        return (each * weights[there]).sum() - SPEECH_WEIGHT * torch.log1p(-silent).sum()

    @property
    def _in_16_bits(self) -> bool:
        return self._device.type != "cpu" or multiplies_in_16_bits()

    def _precision(self) -> contextlib.AbstractContextManager[Any]:
        if not self._in_16_bits:
            return contextlib.nullcontext()
        precision: contextlib.AbstractContextManager[Any] = torch.autocast(
            self._device.type, dtype=torch.bfloat16
        )
        return precision

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
            found = changes(self._adapted, self._layers)
            for name, value in self._trained.items():
                value.copy_(kept[name])
        return found

    def state(self) -> dict[str, NDArray[Any]]:
        """Return everything that the next steps depend on, but for the lessons."""
        arrays: dict[str, NDArray[Any]] = {
            "step": np.array(self.step),
            "parts": np.array(self.parts),
            "unsound": np.array(self._unsound),
        }
        moments = self._optimiser.state
        for name, value in self._trained.items():
            kept = {"value": value.detach(), "mean": self._mean[name]}
            kept |= {key: moments[value][key] for key in _MOMENTS if value in moments}
            for kind, tensor in kept.items():
                arrays[f"{kind} {name}"] = tensor.cpu().numpy().copy()
            if value in moments:
                arrays[f"step {name}"] = np.array(float(moments[value]["step"]))
        return arrays

    def resume(self, arrays: Mapping[str, NDArray[Any]]) -> bool:
        """Take up a state; False, and nothing has changed, where it is not that of such a student."""
        if not {"step", "parts", "unsound"} <= arrays.keys() or any(
            arrays.get(f"{kind} {name}", np.empty(0)).shape != value.shape
            for name, value in self._trained.items()
            for kind in ("value", "mean")
        ):
            return False
        with torch.no_grad():
            for name, value in self._trained.items():
                value.copy_(torch.from_numpy(arrays[f"value {name}"]))
                self._mean[name].copy_(torch.from_numpy(arrays[f"mean {name}"]))
                if f"step {name}" in arrays:
                    self._optimiser.state[value] = {
                        "step": torch.tensor(float(arrays[f"step {name}"])),
                        **{
                            key: torch.from_numpy(arrays[f"{key} {name}"].copy()).to(self._device)
                            for key in _MOMENTS
                        },
                    }
        self.step, self.parts = int(arrays["step"]), int(arrays["parts"])
        self._unsound = int(arrays["unsound"])
        return True


def _spare_casts(adapted: PeftModel) -> None:
    """Keep in 16 bits what is multiplied in them and never changes, in place of casting it at every step."""
    for module in adapted.modules():
        if isinstance(module, LoraLayer):
            module.cast_input_dtype_enabled = False  # the product casts it, and only once
        if isinstance(module, torch.nn.Linear | torch.nn.Conv1d) and not module.weight.requires_grad:
            module.to(torch.bfloat16)


def _is_memory(error: Exception) -> bool:
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "can't allocate memory" in str(error)


@functools.cache
def multiplies_in_16_bits(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Say whether this processor multiplies bfloat16 by itself; others would only be slowed down by it."""
    try:
        words = cpuinfo.read_text().split()
    except OSError:
        return False
    return not _BFLOAT16.isdisjoint(words)
