"""What can go wrong for a user of the command line: a sentence, what to do, and an exit status for each."""

from __future__ import annotations

import enum


class ExitStatus(enum.IntEnum):
    """What the process ends with; docs/cli.md lists the same."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    NOT_SIGNED_IN = 3
    NOT_FOUND = 4
    BUSY = 5
    TOO_MUCH = 6
    AWAY = 7
    PARTLY = 8
    INTERRUPTED = 130


class CommandError(Exception):
    """A command cannot go on.

    Attributes:
        way_out: what the user can do about it; may be empty.
        exit_status: of the process.
        code: the HTTP status that was answered, if any.
    """

    exit_status = ExitStatus.FAILED

    def __init__(self, message: str, way_out: str = "", code: int | None = None) -> None:
        super().__init__(message)
        self.way_out = way_out
        self.code = code


class WrongUsage(CommandError):
    """The arguments make no sense together."""

    exit_status = ExitStatus.USAGE


class NotSignedIn(CommandError):
    """There are no credentials, or they are not accepted."""

    exit_status = ExitStatus.NOT_SIGNED_IN


class NothingFound(CommandError):
    """What the arguments name does not exist, or belongs to somebody else."""

    exit_status = ExitStatus.NOT_FOUND


class Busy(CommandError):
    """A model or resource is locked by what it does at the moment."""

    exit_status = ExitStatus.BUSY


class TooMuch(CommandError):
    """The owner's budget is used up for longer than this command waits.

    Attributes:
        retry_after_s: when the service says to try again.
    """

    exit_status = ExitStatus.TOO_MUCH

    def __init__(self, message: str, way_out: str = "", retry_after_s: float = 0.0) -> None:
        super().__init__(message, way_out, 429)
        self.retry_after_s = retry_after_s


class Away(CommandError):
    """The service does not answer, or answers with faults of its own, for longer than this command waits."""

    exit_status = ExitStatus.AWAY


class Partly(CommandError):
    """The command has done what it could; the message says what is left out."""

    exit_status = ExitStatus.PARTLY
