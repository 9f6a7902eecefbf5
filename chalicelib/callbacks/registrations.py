"""Callbacks that an owner has registered: no other URL is ever called.

status      event                        becomes
-           registration begun           pending (gone after an hour, unless the challenge is met)
pending     challenge met                registered
registered  secret rotated               registered (the former secret signs too, for a time)
registered  unregistered                 removed (without URL, secrets and label; gone after an hour)
removed     registration begun           pending

Pending and removed ones are kept for the hourly limit only.
"""

from __future__ import annotations

import hashlib
import secrets
import string
import time
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from chalicelib.callbacks import exchange, signatures
from chalicelib.callbacks.errors import (
    CallbackError,
    ChallengeFailed,
    InvalidUrl,
    NotRegistered,
    TooManyRegistrations,
)
from chalicelib.storage.conditional import Action, Condition, ConditionFailed, Put, Update, write
from chalicelib.storage.tables import Callback

PER_HOUR = 20
CHALLENGE_S = 5.0
_SPAN = timedelta(hours=1)
_CHALLENGE_CHARACTERS = string.ascii_letters + string.digits


class CallbackStatus(StrEnum):
    """See the module's table."""

    PENDING = "pending"
    REGISTERED = "registered"
    REMOVED = "removed"


def register(owner: str, url: str, secret: str | None, customer_id: str | None = None) -> bool:
    """Register a URL whose owner shows that the calls are wanted; False: it was registered before.

    Raises:
        CallbackError: the URL, its address or the answer to the challenge is not as it must be.
    """
    try:
        exchange.parse(url)
    except InvalidUrl as error:
        raise InvalidUrl(f"Invalid value '{url[:500]}' for parameter 'callback_url': {error}") from None
    if find(owner, url) is not None:
        return False
    now = datetime.now(UTC)
    _check_limit(owner, now)
    row = Callback(
        owner,
        _url_hash(url),
        status=CallbackStatus.PENDING,
        url=url,
        secret=secret,
        created=now,
        expires=int((now + _SPAN).timestamp()),
        customer_id=customer_id,
    )
    not_yet: Condition = Callback.url_hash.does_not_exist()
    try:
        write(Put(row, not_yet | (Callback.status != CallbackStatus.REGISTERED)))
        _challenge(url, secret)
        write(
            Update(
                row,
                (Callback.status == CallbackStatus.PENDING) & (Callback.created == now),
                [Callback.status.set(CallbackStatus.REGISTERED), Callback.expires.remove()],
            )
        )
    except ConditionFailed:
        if find(owner, url) is not None:
            return False
        raise ChallengeFailed("The callback was registered and removed by others at the same time.") from None
    return True


def unregister(owner: str, url: str) -> None:
    """Forget a URL: from now on nothing is sent there.

    Raises:
        NotRegistered: it was not registered.
    """
    row = find(owner, url)
    if row is None:
        raise NotRegistered(url)
    remove(row)


def rotate(owner: str, url: str, secret: str, overlap: timedelta) -> None:
    """Sign by another secret from now on, and by the one before as well for as long as `overlap`.

    Raises:
        NotRegistered: it is not registered.
    """
    row = find(owner, url)
    if row is None:
        raise NotRegistered(url)
    until_s = int((datetime.now(UTC) + overlap).timestamp())
    former: list[Action] = [Callback.former_secret.remove(), Callback.former_until.remove()]
    if row.secret is not None and overlap:
        former = [Callback.former_secret.set(row.secret), Callback.former_until.set(until_s)]
    there: Condition = (Callback.status == CallbackStatus.REGISTERED) & (Callback.created == row.created)
    try:
        write(Update(row, there, [Callback.secret.set(secret), *former]))
    except ConditionFailed:
        raise NotRegistered(url) from None


def signed(row: Callback, body: bytes) -> dict[str, str]:
    """Return the headers that sign what is sent to a registered URL now."""
    now_s = int(time.time())
    rotating = row.former_until is not None and now_s < int(row.former_until)
    return signatures.headers(row.secret, body, now_s, former=row.former_secret if rotating else None)


def remove(row: Callback) -> None:
    """Forget a registration, all but that there was one within the last hour."""
    expires = int((row.created + _SPAN).timestamp())
    try:
        write(
            Update(
                row,
                (Callback.url_hash.exists()) & (Callback.created == row.created),
                [
                    Callback.status.set(CallbackStatus.REMOVED),
                    Callback.url.remove(),
                    Callback.secret.remove(),
                    Callback.former_secret.remove(),
                    Callback.former_until.remove(),
                    Callback.customer_id.remove(),
                    Callback.expires.set(expires),
                ],
            )
        )
    except ConditionFailed:  # registered anew, or gone
        return


def erase(owner: str, customer_id: str, until: datetime) -> bool:
    """Forget the labelled registrations that were made before a moment; always succeeds."""
    for row in of_owner(owner):
        if row.customer_id == customer_id and row.created <= until:
            remove(row)
    return True


def find(owner: str, url: str) -> Callback | None:
    """Return the registration of a URL; None: there is none."""
    try:
        row = Callback.get(owner, _url_hash(url), consistent_read=True)
    except Callback.DoesNotExist:
        return None
    return row if row.status == CallbackStatus.REGISTERED else None


def of_owner(owner: str) -> list[Callback]:
    """Return everything that is kept about an owner's callbacks, pending and removed ones included."""
    return list(Callback.query(owner, consistent_read=True))


def _check_limit(owner: str, now: datetime) -> None:
    recent = sum(row.created > now - _SPAN for row in of_owner(owner))
    if recent >= PER_HOUR:
        raise TooManyRegistrations(
            f"At most {PER_HOUR} callback URLs can be registered within an hour. Try again later."
        )


def _challenge(url: str, secret: str | None) -> None:
    challenge = "".join(secrets.choice(_CHALLENGE_CHARACTERS) for _ in range(32))
    headers = {"Accept": "text/plain"}
    if secret is not None:
        headers |= signatures.headers(secret, challenge.encode(), int(time.time()))
    path, question, _ = url.partition("?")
    try:
        answer = exchange.send(
            "GET",
            f"{url}{'&' if question else '?'}challenge_string={challenge}",
            headers,
            limit_s=CHALLENGE_S,
        )
    except CallbackError as error:
        raise type(error)(f"The callback URL '{path[:500]}' cannot be registered: {error}.") from error
    if answer.status != 200 or answer.body.strip() != challenge.encode():
        raise ChallengeFailed(
            f"The callback URL '{path[:500]}' cannot be registered: it must answer with status 200 and the "
            f"challenge string as text/plain, within {CHALLENGE_S:g} seconds."
        )


def _url_hash(url: str) -> str:
    return hashlib.sha256(url.encode()).hexdigest()
