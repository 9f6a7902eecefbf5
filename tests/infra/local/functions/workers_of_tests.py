"""`python -m tests.infra.local.functions.workers_of_tests FOLDER IDLE_S [after]`: event workers that write into a folder.

`after`: after others that have ended, not with the service.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from infra.local import events
from infra.local.functions import dispatcher
from infra.local.functions.event_workers import EventWorkers, Function
from infra.local.processes import child
from infra.local.store.awaiting import Question


def _writing(folder: Path) -> Callable[[dict[str, Any], object], None]:
    """Return a function that tells of its event when it has begun and when it is done with it."""

    def handle(event: dict[str, Any], _: object) -> None:
        for record in event["Records"]:
            with (folder / "begun").open("a") as file:
                file.write(f"{record['body']} {os.getpid()}\n")
            until = time.monotonic() + 60
            while record["body"] == "slow" and not (folder / "go on").exists():
                assert time.monotonic() < until
                time.sleep(0.01)
            with (folder / "done").open("a") as file:
                file.write(f"{record['body']} {os.getpid()}\n")

    return handle


def _ticking(folder: Path) -> Callable[[dict[str, Any], object], None]:
    def handle(event: dict[str, Any], _: object) -> None:
        time.sleep(0.3)
        with (folder / "ticks").open("a") as file:
            file.write(f"{next(iter(event['detail']), 'time')}\n")
        if (folder / "crash").exists():
            (folder / "crash").unlink()
            os.abort()

    return handle


def main() -> None:
    """Work until SIGTERM."""
    folder, idle_s = Path(sys.argv[1]), float(sys.argv[2])
    child.begin("events")
    # What a killed worker was at comes back soon.
    dispatcher._LEASE_S, dispatcher._RENEW_EVERY_S = 5, 1.0
    functions: dict[str, Function] = {
        "writing": events.QueueFunction("writing", "written", 1, _writing(folder)),
        "other": events.QueueFunction("other", "others", 1, _writing(folder)),
        "ticking": events.ScheduledFunction("ticking", 3600.0, _ticking(folder)),
    }
    client = dispatcher.queue_client()

    def start(function: Function, occasion: events.Occasion) -> Callable[[], None]:
        if isinstance(function, events.QueueFunction):
            return lambda: dispatcher.serve_queue(client, function, idle_s)
        return lambda: dispatcher.call(function, occasion)

    question = Question(os.environ["AWS_ENDPOINT_URL"], os.environ["AWS_ACCESS_KEY_ID"])
    restarted = None if sys.argv[3:] == ["after"] else (folder / "called").touch
    EventWorkers(functions, question, start, folder, restarted=restarted).run()


if __name__ == "__main__":
    main()
