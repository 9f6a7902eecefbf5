"""`attune keys`: API keys of a service, for those who have an administrator's."""

from __future__ import annotations

from typing import Any

import click

from attune_cli.client import Service, Uncertain, path
from attune_cli.errors import CommandError, NothingFound, NotSignedIn, WrongUsage
from attune_cli.invocation import Invocation, invoked
from attune_cli.screen import described, table

_FORBIDDEN = 403
_FEWEST_DIGITS = 4


@click.group(invoke_without_command=True)
@click.pass_context
@invoked
def keys(invocation: Invocation, context: click.Context) -> None:
    """List, make and revoke API keys, with an administrator's key; alone it lists them."""
    if context.invoked_subcommand is None:
        _list(invocation)


@keys.command("list")
@invoked
def list_keys(invocation: Invocation) -> None:
    """List all keys, without their secrets."""
    _list(invocation)


@keys.command("make")
@click.option("--label", default="", help="What the key is for.")
@click.option("--owner", metavar="GUID", help="Whose data it opens; a new owner's unless given.")
@click.option(
    "--administrator", is_flag=True, help="It may make and revoke keys, and so open every owner's data."
)
@invoked
def make_key(invocation: Invocation, label: str, owner: str | None, administrator: bool) -> None:
    """Make a key and print it; it cannot be seen again."""
    wanted = {"label": label, "owner": owner, "administrator": administrator}
    try:
        made = _asked(invocation.service(), "POST", path("keys"), wanted)
    except Uncertain as error:
        error.way_out = "A key may have been made that nobody has seen: attune keys list, attune keys revoke"
        raise
    names = {"key": "key", "owner": "owner", "key_id": "id", "label": "label"}
    invocation.screen.show(made, described(made, names))


@keys.command("revoke")
@click.argument("key_id")
@click.option("--yes", is_flag=True, help="Do not ask.")
@invoked
def revoke_key(invocation: Invocation, key_id: str, yes: bool) -> None:
    """Make a key useless, by its id or the first digits of it."""
    service = invocation.service()
    listed = _listed(service)
    one = _found(listed, key_id)
    if one["current"]:
        raise CommandError(
            "This is the key that you are signed in with, and no key revokes itself.",
            "Sign in with another administrator's: attune keys make --administrator, attune login",
        )
    if not yes:
        if invocation.screen.as_json:
            raise WrongUsage("Nothing is asked with --json.", "Say --yes to revoke.")
        others = sum(other["owner"] == one["owner"] for other in listed) - 1
        last = "" if others else " It is the last key of that owner, whose data nobody else can reach."
        click.confirm(
            f"Revoke the key {_called(one)} of the owner {one['owner']}? It cannot be had back.{last}",
            abort=True,
            err=True,
        )
    _asked(service, "DELETE", path("keys", one["key_id"]))
    invocation.screen.show(
        {"key_id": one["key_id"], "revoked": True},
        f"The key {_called(one)} is revoked. Within five seconds nobody gets in with it.",
    )


def _list(invocation: Invocation) -> None:
    listed = _listed(invocation.service())
    rows = [
        (
            one["key_id"],
            one["label"],
            one["owner"],
            one["created"][:16].replace("T", " "),
            "administrator" if one["administrator"] else "",
            "this key" if one["current"] else "",
        )
        for one in listed
    ]
    invocation.screen.show({"keys": listed}, table(("id", "label", "owner", "made", "may", ""), rows))


def _listed(service: Service) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = _asked(service, "GET", path("keys"))["keys"]
    return listed


def _found(listed: list[dict[str, Any]], key_id: str) -> dict[str, Any]:
    """Return the key that is meant.

    Raises:
        NothingFound: none is called that.
        WrongUsage: several begin so.
    """
    digits = key_id.lower()
    fitting = [one for one in listed if len(digits) >= _FEWEST_DIGITS and one["key_id"].startswith(digits)]
    if not fitting:
        raise NothingFound(f"There is no key {key_id!r}.", "`attune keys list` shows their ids.")
    if len(fitting) > 1:
        raise WrongUsage(f"{len(fitting)} keys begin with {key_id!r}.", "Give more digits: attune keys list")
    return fitting[0]


def _asked(service: Service, method: str, of: str, document: Any = None) -> Any:
    """Return what the service says of its keys.

    Raises:
        NotSignedIn: the key that asks is not an administrator's.
        NothingFound: the service has no such calls, as Watson has none.
    """
    try:
        return service.call(method, of, document=document, once=method == "POST").document
    except NotSignedIn as error:
        if error.code != _FORBIDDEN or "administrator" not in str(error):
            raise
        raise NotSignedIn(
            "This key may not list, make or revoke keys: it is not an administrator's.",
            "Sign in with an administrator's, or have whoever runs the service make one: "
            "python -m infra.keys make --administrator",
            error.code,
        ) from None
    except NothingFound as error:
        if method == "DELETE":
            raise
        raise NothingFound(
            f"{service.credentials.url} makes no keys by its API.",
            "It is no Attune service, or an older one. Watson's keys are made in IBM Cloud.",
            error.code,
        ) from None


def _called(one: dict[str, Any]) -> str:
    return f"{one['key_id']} ({one['label']})" if one["label"] else str(one["key_id"])


COMMANDS = (keys,)
