"""The question to the store which queues have messages: takes none, and may be answered late."""

from __future__ import annotations

import http.client
import json
from http import HTTPStatus
from urllib.parse import urlsplit

AWAIT_MESSAGES = "AwaitMessages"
"""An action of our own beside those of SQS."""
_WAIT_S = 20
_TIMEOUT_S = 10.0
"""For what the store sends at once."""


class Unanswered(Exception):
    """The store went away, or said something else."""


class Question:
    """One question at a time, on a connection that is kept."""

    def __init__(self, url: str, access_key: str) -> None:
        """Take the store's address and what opens it; nothing is asked yet."""
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=_TIMEOUT_S)
        self._headers = {
            "Authorization": f"AWS4-HMAC-SHA256 Credential={access_key}/",
            "X-Amz-Target": f"AmazonSQS.{AWAIT_MESSAGES}",
        }
        self.asked: frozenset[str] = frozenset()
        """The queues that were asked about; none while nothing is asked."""

    def ask(self, queues: frozenset[str]) -> None:
        """Ask about queues, by their names, in place of what was asked before.

        Raises:
            Unanswered: the store cannot be reached.
        """
        if self.asked:
            self.close()
        body = json.dumps({"QueueNames": sorted(queues), "WaitTimeSeconds": _WAIT_S})
        try:
            self._connection.request("POST", "/", body, self._headers)
        except OSError as error:
            self.close()
            raise Unanswered(str(error)) from error
        self.asked = queues

    def fileno(self) -> int:
        """Return what becomes readable when the answer comes, after `ask`."""
        return self._connection.sock.fileno()

    def answer(self) -> list[str]:
        """Return the queues of those asked about that have messages.

        Raises:
            Unanswered: there is no answer.
        """
        try:
            answer = self._connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise Unanswered(f"{type(error).__name__}: {error}") from error
        self.asked = frozenset()
        if answer.status != HTTPStatus.OK:
            raise Unanswered(f"{answer.status}: {text.decode(errors='replace')}")
        names: list[str] = json.loads(text).get("QueueNames", [])
        return names

    def close(self) -> None:
        """Forget what was asked."""
        self.asked = frozenset()
        self._connection.close()
