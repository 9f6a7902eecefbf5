"""What the rules of test sets and evaluations refuse; each text is for the user and says what to do."""

from __future__ import annotations


class UnknownTestSet(LookupError):
    """The owner has no such test set."""

    def __init__(self, test_set_id: str) -> None:
        super().__init__(
            f"There is no test set '{test_set_id[:100]}'. GET /v1/test_sets lists those there are."
        )


class UnknownEvaluation(LookupError):
    """The owner has no such evaluation."""

    def __init__(self, evaluation_id: str) -> None:
        super().__init__(
            f"There is no evaluation '{evaluation_id[:100]}'. GET /v1/evaluations lists those there are."
        )


class NothingThere(LookupError):
    """The evaluation has no such part, or not yet."""


class TooMany(Exception):
    """The owner has as many of something as may be."""


class StillProcessing(Exception):
    """The test set is being read."""

    def __init__(self, test_set_id: str) -> None:
        super().__init__(
            f"Test set '{test_set_id}' is still being read. Wait until its status is 'available'."
        )


class EvaluationRefused(ValueError):
    """What was asked for cannot be done; the text says why."""
