"""What every command has: where the service is, how to show results, and how to end."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import click

from attune_cli import configuration
from attune_cli.client import PATIENCE_S, Service
from attune_cli.screen import Screen


@dataclass(frozen=True)
class Invocation:
    """One run of a command, with the options that all have."""

    profile: str | None
    url: str | None
    key: str | None
    certificate: str | None
    screen: Screen

    def service(self, patience_s: float = PATIENCE_S) -> Service:
        """Return the service that is to be spoken to.

        Raises:
            NotSignedIn: nothing says which, or with which key.
        """
        credentials = configuration.chosen(self.profile, self.url, self.key, self.certificate)
        return Service(credentials, patience_s=patience_s, say=self.screen.note)


_OPTIONS = (
    click.option("--json", "as_json", is_flag=True, help="Answer in JSON, for programs."),
    click.option("--profile", metavar="NAME", help="Use the credentials that are kept under this name."),
    click.option("--url", metavar="URL", help="The service, in place of ATTUNE_URL and what is kept."),
    click.option(
        "--key", metavar="KEY", help="An API key. ATTUNE_API_KEY keeps it out of lists of processes."
    ),
    click.option(
        "--certificate", metavar="FILE", help="The certificate to trust, of a service that made its own."
    ),
)


def invoked(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that all have, and as its first argument its Invocation."""

    @functools.wraps(function)
    def with_options(
        *arguments: Any,
        as_json: bool,
        profile: str | None,
        url: str | None,
        key: str | None,
        certificate: str | None,
        **options: Any,
    ) -> Any:
        invocation = Invocation(profile, url, key, certificate, Screen(as_json=as_json))
        return function(invocation, *arguments, **options)

    for option in reversed(_OPTIONS):
        with_options = option(with_options)
    return with_options
