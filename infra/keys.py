"""API keys and the internal secret, for operators, here or against AWS.

`python -m infra.keys make | list | revoke | rotate-secret`
"""

from __future__ import annotations

import argparse
import sys
import uuid
from collections.abc import Sequence

from chalicelib.storage import credentials, internal_secret
from chalicelib.storage.tables import watson_time
from infra.local import joining


def _guid(text: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a GUID") from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m infra.keys",
        description="Make, list and revoke API keys: with ATTUNE_HOME those of the service that runs on that "
        "folder, without it those in the store that AWS_* variables name.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    make = commands.add_parser("make", help="make a key and print it; it cannot be seen again")
    make.add_argument(
        "--owner", type=_guid, help="GUID of the instance that the key opens; a new one if not given"
    )
    make.add_argument("--label", default="", help="what the key is for")
    make.add_argument(
        "--administrator",
        action="store_true",
        help="a key that may make and revoke keys of all owners over the API, too",
    )
    commands.add_parser("list", help="list all keys by the first digits of their hash")
    revoke = commands.add_parser("revoke", help="make a key useless, within seconds")
    revoke.add_argument("key", help="the key itself, or the first digits of its hash as `list` shows them")
    rotate = commands.add_parser(
        "rotate-secret", help="have the service sign with a new internal secret; tokens and requests go on"
    )
    rotate.add_argument(
        "name", help="the secret's name in the Parameter Store: the stack's output InternalSecretParameter"
    )
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    options = _parser().parse_args(arguments)
    if not joining.join_if_named():
        return 1
    match options.command:
        case "make":
            owner = options.owner or credentials.new_owner()
            key = credentials.make(owner, options.label, administrator=options.administrator)
            print(f"key    {key}\nowner  {owner}")
            return 0
        case "list":
            for row in credentials.every():
                kind = "administrator" if row.administrator else "-"
                shown = (credentials.id_of(row), row.owner, watson_time(row.created), f"{kind:13}", row.label)
                print("  ".join(shown))
            return 0
        case "rotate-secret":
            return _rotate(options.name)
        case _:
            return _revoke(options.key)


def _rotate(name: str) -> int:
    if internal_secret.make(name):
        print("made: there was none")
        return 0
    try:
        internal_secret.rotate(name)
    except internal_secret.RotatedLately as error:
        print(error, file=sys.stderr)
        return 1
    print("rotated; what was signed before holds until the next time")
    return 0


def _revoke(key: str) -> int:
    key_hash = credentials.hash_of(key)
    rows = [
        row
        for row in credentials.every()
        if row.key_hash == key_hash or (len(key) >= 8 and row.key_hash.startswith(key))
    ]
    if len(rows) != 1:
        found = "no key" if not rows else f"{len(rows)} keys"
        print(f"{found} found; nothing was revoked", file=sys.stderr)
        return 1
    credentials.revoke(rows[0].key_hash)
    print(f"revoked {credentials.id_of(rows[0])} of {rows[0].owner}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
