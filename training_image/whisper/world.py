"""What the processes of one adaptation tell each other: gradients and readings."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

import torch
from torch import distributed

from training_image.container import ranks
from training_image.failures import JobFailed

T = TypeVar("T")


class World:
    """All processes that adapt one network, of which this is one.

    Each method may raise `JobFailed`: one of the others was lost.
    """

    def __init__(self) -> None:
        """Meet the others, if there are any."""
        self.rank, self.size = ranks.rank(), ranks.size()
        if self.size > 1 and not distributed.is_initialized():
            distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo")

    @property
    def leads(self) -> bool:
        """Whether this process decides and writes."""
        return self.rank == 0

    def own(self, things: Sequence[T]) -> Sequence[T]:
        """Return the part of things that this process works on."""
        return things[self.rank :: self.size]

    def together(self, own: T) -> list[T]:
        """Return what every process has, in the order of their numbers."""
        if self.size == 1:
            return [own]
        found: list[T | None] = [None] * self.size
        with _all_there():
            distributed.all_gather_object(found, own)
        return [one for one in found if one is not None]

    def of_leader(self, own: T) -> T:
        """Return what the leading process has."""
        if self.size == 1:
            return own
        told: list[T] = [own]
        with _all_there():
            distributed.broadcast_object_list(told, src=0)
        return told[0]

    def add_gradients(self, parameters: Iterable[torch.nn.Parameter]) -> None:
        """Make the gradient of every parameter the sum over all processes."""
        if self.size == 1:
            return
        trained = list(parameters)
        flat = torch.cat(
            [(torch.zeros_like(one) if one.grad is None else one.grad).flatten() for one in trained]
        )
        with _all_there():
            distributed.all_reduce(flat)
        for one, sum_ in zip(trained, flat.split([one.numel() for one in trained]), strict=True):
            one.grad = sum_.view_as(one).clone()

    def added(self, value: float) -> float:
        """Return the sum of a number over all processes."""
        return value if self.size == 1 else sum(self.together(value))

    def leave(self) -> None:
        """Part from the others: nothing is told any more."""
        if self.size > 1 and distributed.is_initialized():
            distributed.destroy_process_group()


@contextlib.contextmanager
def _all_there() -> Iterator[None]:
    """Say in words that another process does not answer any more."""
    try:
        yield
    except RuntimeError as error:
        raise JobFailed(
            "One of the machines or processes that train together was lost. Train again; if it fails again, "
            "tell the operator."
        ) from error
