"""Lambda functions: environments that start cold and are kept, an account's limit, and what is paid."""

from __future__ import annotations

from infra.cost import LAMBDA_GB_S, LAMBDA_REQUEST
from infra.scale import published
from infra.scale.clock import Process, SimulationClock


class Throttled(Exception):
    """Lambda has turned a call away."""

    def __init__(self, limit: str) -> None:
        super().__init__(limit)
        self.limit = limit
        """One of those in `waits`."""


class Killed(Exception):
    """A function has ended in the midst of its work: for its memory, or by its time limit."""


class AccountConcurrency:
    """How many functions run at once."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.at_work = 0
        self.most = 0
        """The greatest number so far."""

    def enter(self) -> None:
        """Take a place."""
        self.at_work += 1
        self.most = max(self.most, self.at_work)


class Function:
    """One function and its environments."""

    def __init__(
        self, clock: SimulationClock, account: AccountConcurrency, memory_gb: float, cold_s: float
    ) -> None:
        self._clock = clock
        self._account = account
        self._memory_gb = memory_gb
        self._cold_s = cold_s
        self._idle_since_s: list[float] = []
        """Of the environments that wait for work, those last used behind."""
        self._may_start = 1000.0
        self._counted_s = 0.0
        self.usd = 0.0

    def run(self, body: Process) -> Process:
        """Run a body of work in an environment, in a new one if none is idle.

        Raises:
            Throttled: the account's limit, or the rate at which a function gets environments, is met.
        """
        cold_s = self._environment()
        self._account.enter()
        began_s = self._clock.now_s
        alive = False
        try:
            yield cold_s
            yield from body
            alive = True
        except Throttled:
            alive = True  # what it called was: it goes on and says so
            raise
        finally:
            self._account.at_work -= 1
            if alive:
                self._idle_since_s.append(self._clock.now_s)
            self.usd += (self._clock.now_s - began_s) * self._memory_gb * LAMBDA_GB_S + LAMBDA_REQUEST

    def _environment(self) -> float:
        """Return how long it takes until there is an environment."""
        now_s = self._clock.now_s
        if self._account.at_work >= self._account.limit:
            raise Throttled("account")
        if self._idle_since_s and now_s - self._idle_since_s[-1] <= published.value("kept_warm"):
            self._idle_since_s.pop()
            return 0.0
        self._idle_since_s.clear()
        per_s = published.value("scaling")
        self._may_start = min(1000.0, self._may_start + (now_s - self._counted_s) * per_s)
        self._counted_s = now_s
        if self._may_start < 1:
            raise Throttled("scaling")
        self._may_start -= 1
        return self._cold_s
