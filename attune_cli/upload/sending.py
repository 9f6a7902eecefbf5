"""Sends parcels, several at a time: those that fail are sent again, and nothing twice."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass

from attune_cli.client import Service, path
from attune_cli.custom_models import ACOUSTIC
from attune_cli.errors import Away, Busy, CommandError, NothingFound, NotSignedIn, TooMuch
from attune_cli.refusals import refusal
from attune_cli.screen import Bar
from attune_cli.upload import direct
from attune_cli.upload.parcels import Changed, FileBody, Parcel

_ENDING = (Away, Busy, NothingFound, NotSignedIn, TooMuch)
"""What the next parcel would meet as well."""


@dataclass(frozen=True)
class RefusedParcel:
    """A parcel that the service does not take, and why."""

    parcel: Parcel
    reason: str


def sent(
    service: Service,
    customization_id: str,
    parcels: Sequence[Parcel],
    bar: Bar,
    *,
    parallel: int,
) -> list[RefusedParcel]:
    """Send all parcels; returns those that were refused, each for a reason of its own.

    Args:
        service: to whom.
        customization_id: of the model that gets them.
        parcels: what.
        bar: is told of the bytes.
        parallel: how many at once.

    Raises:
        CommandError: something that concerns all of them.
    """
    lock = threading.Lock()
    refused: list[RefusedParcel] = []

    def advance(by: int) -> None:
        service.check_stopped()
        with lock:
            bar.advance(by)

    def send(parcel: Parcel) -> None:
        try:
            _send(service, customization_id, parcel, advance)
        except _ENDING:
            raise
        except (CommandError, Changed, OSError) as error:
            with lock:
                refused.append(RefusedParcel(parcel, str(error)))

    pool = ThreadPoolExecutor(parallel, thread_name_prefix="upload")
    try:
        futures = [pool.submit(send, parcel) for parcel in parcels]
        done, _ = wait(futures, return_when=FIRST_EXCEPTION)
        for future in done:
            future.result()
    except BaseException:
        service.stop()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    return refused


def _send(service: Service, customization_id: str, parcel: Parcel, advance: Callable[[int], None]) -> None:
    counted = 0

    def count(number: int) -> None:
        nonlocal counted
        counted += number
        advance(number)

    with parcel.opened() as file:

        def body() -> FileBody:
            nonlocal counted
            advance(-counted)
            counted = 0
            return FileBody(file, count)

        with direct.uploaded(service, file, parcel.headers, "audio", body) as upload_id:
            answer = service.call(
                "POST",
                path(ACOUSTIC, customization_id, "audio", parcel.name),
                query={"allow_overwrite": parcel.replaces, "upload": upload_id},
                body=body if upload_id is None else None,
                headers=parcel.headers,
                accepted=frozenset({400, 409}),
            )
    if answer.status < 400:
        return
    message = str((answer.document or {}).get("error", ""))
    if "already exists" in message:
        if answer.uncertain or parcel.packed:
            return  # an attempt whose answer was lost, or somebody else sends the same files
        raise CommandError("a resource of that name is there already; --again replaces it")
    if answer.status == 409 and message.startswith("Audio "):
        return  # it has come, and is being looked at
    raise refusal(answer.status, message)
