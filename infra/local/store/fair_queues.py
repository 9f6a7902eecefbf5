"""Which of a queue's messages is handed out next: owners take turns, as in SQS's fair queues."""

from __future__ import annotations

import json
import time
from collections import Counter, defaultdict
from typing import Any

from ministack.services import sqs

_OWNER = "attune_owner"
"""Kept with a message: its body is read once."""


class FairOrder:
    """Brings messages into the order in which they are to go out."""

    def __init__(self) -> None:
        self._turn = 0
        self._last_turns: defaultdict[str, dict[str, int]] = defaultdict(dict)
        """By queue, of owners who have had one."""

    def arrange(self, queue_url: str) -> None:
        """Put first what is next: of each owner the first, longest without a turn first; then the second."""
        with sqs._queues_lock:
            messages = sqs._get_q(queue_url)["messages"]
            if len(messages) < 2:
                return
            now_s, places = time.time(), Counter[str]()
            last_turns = self._last_turns[queue_url]
            ranks: dict[int, tuple[int, int]] = {}
            for message in messages:
                if message.get("visible_at", 0) <= now_s:
                    owner = _owner_of(message)
                    ranks[id(message)] = (places[owner], last_turns.get(owner, 0))
                    places[owner] += 1
            messages.sort(key=lambda message: ranks.get(id(message), (0, 0)))

    def note(self, queue_url: str, bodies: list[str]) -> None:
        """Take note that messages with these bodies were handed out."""
        last_turns = self._last_turns[queue_url]
        for body in bodies:
            self._turn += 1
            last_turns[_owner_in(body)] = self._turn


def _owner_of(message: dict[str, Any]) -> str:
    if _OWNER not in message:
        message[_OWNER] = _owner_in(message.get("body", ""))
    return str(message[_OWNER])


def _owner_in(body: str) -> str:
    """Return whose message it is: ours say it, and those of the bucket have it in the object's key."""
    try:
        document = json.loads(body)
        if "owner" in document:
            return str(document["owner"])
        return str(document["Records"][0]["s3"]["object"]["key"].split("/")[1])
    except (ValueError, LookupError, TypeError, AttributeError):
        return ""
