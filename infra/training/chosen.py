"""Which training jobs a command is about, as its arguments say."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from typing import Any

from infra.training.jobs import PREFIX

_TAGS = {"owner": "attune:owner", "customization": "attune:customization", "instance": "attune:instance"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what can be asked for."""
    parser.add_argument("--owner", metavar="GUID", help="of the customer whose model is trained")
    parser.add_argument("--customization", metavar="ID", help="of the custom model")
    parser.add_argument("--instance", metavar="NAME", help="of the stack (ATTUNE_SERVICE_INSTANCE)")
    parser.add_argument(
        "--tag",
        action="append",
        default=[],
        type=_tag,
        metavar="KEY=VALUE",
        help="another tag; again for more",
    )
    parser.add_argument(
        "--status",
        choices=["InProgress", "Completed", "Failed", "Stopping", "Stopped"],
        help="all unless given",
    )
    parser.add_argument("--since", type=_day, metavar="YYYY-MM-DD", help="created on that day (UTC) or later")


def filters(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return what `jobs.found` is to be asked for."""
    tags = {tag: getattr(arguments, name) for name, tag in _TAGS.items() if getattr(arguments, name)}
    customization = tags.pop(_TAGS["customization"], None)
    return {
        # The name has the model's ID: so the platform looks for it, and no job need be asked for its tags.
        "name": f"{PREFIX}{customization}" if customization else PREFIX,
        "status": arguments.status,
        "since": arguments.since,
        "tags": {**tags, **dict(arguments.tag)},
    }


def _tag(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not KEY=VALUE")
    return key, value


def _day(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a day such as 2026-01-31") from None
