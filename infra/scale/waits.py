"""What held work up: each limit, when it was met first, and how long messages waited for it."""

from __future__ import annotations

from collections import defaultdict

LIFTED_BY = {
    "pollers": "itself: more are handed out within seconds",
    "MaximumConcurrency": "a higher `AccountConcurrency`, or a larger share of it",
    "window": "a higher `ATTUNE_PIECES_AT_ONCE`",
    "account": "AWS, asked for more concurrent executions",
    "scaling": "nothing: Lambda gives 1,000 environments every 10 s",
}


class Waits:
    """Gathers them."""

    def __init__(self) -> None:
        self.first_s: dict[str, float] = {}
        self.waited_s: dict[str, float] = defaultdict(float)

    def met(self, limit: str, now_s: float, waited_s: float = 0.0) -> None:
        """Note that a limit was met, and that it has cost a message so much time."""
        self.first_s.setdefault(limit, now_s)
        self.waited_s[limit] += waited_s

    def longest(self) -> str | None:
        """Return the limit that has cost most; None: nothing waited for any."""
        costly = {limit: waited_s for limit, waited_s in self.waited_s.items() if waited_s >= 1}
        return max(costly, key=costly.__getitem__) if costly else None
