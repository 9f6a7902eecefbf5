"""What the scheduled event says has happened: nothing, emptied queues, or a restart of everything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Happened:
    """What nobody need wait for any more."""

    messages_lost: bool = False
    """The queues were emptied: announcements are to be made anew. Who had received one may still be at it."""
    restarted: bool = False
    """Beside that nothing that was at work is any longer."""

    @classmethod
    def read(cls, event: Mapping[str, Any]) -> Happened:
        """Return what a scheduled event says in its `detail`."""
        detail = event.get("detail") or {}
        restarted = bool(detail.get("restarted"))
        return cls(messages_lost=restarted or bool(detail.get("messages_lost")), restarted=restarted)
