"""Settings of the command line: credentials in a file of mode 0600; environment variables override it."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from attune_cli.errors import CommandError, NotSignedIn

URL_VARIABLE = "ATTUNE_URL"
KEY_VARIABLE = "ATTUNE_API_KEY"
CERTIFICATE_VARIABLE = "ATTUNE_CERTIFICATE"
FOLDER_VARIABLE = "ATTUNE_CONFIG"
DEFAULT_PROFILE = "default"


@dataclass(frozen=True)
class Credentials:
    """Where a service is, and what opens it.

    Attributes:
        url: without the version: `https://host`, or `https://host/instances/…`.
        key: an API key.
        certificate: a file with the certificate to trust; empty: those of the system.
    """

    url: str
    key: str
    certificate: str = ""


def folder() -> Path:
    """Return the folder of this command's files, by the customs of the platform."""
    named = os.environ.get(FOLDER_VARIABLE)
    if named:
        return Path(named)
    if sys.platform == "win32":
        return Path(os.environ.get("APPDATA") or Path.home() / "AppData" / "Roaming") / "attune"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "attune"
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "attune"


def credentials_file() -> Path:
    """Return where credentials are kept."""
    return folder() / "credentials.json"


def base_url(text: str) -> str:
    """Return a URL as it is kept: without the version and a slash at its end.

    Raises:
        CommandError: it is no http or https URL.
    """
    url = text.strip().rstrip("/").removesuffix("/v1").rstrip("/")
    if not url.startswith(("http://", "https://")) or "@" in url or url.count("/") < 2 or url.endswith("//"):
        raise CommandError(
            f"{text!r} is no URL of a service.",
            "Give one such as https://speech.example.com, without a user.",
        )
    return url


def stored() -> dict[str, Credentials]:
    """Return what is kept, by profile.

    Raises:
        CommandError: the file cannot be read.
    """
    path = credentials_file()
    try:
        found = json.loads(path.read_text())
        return {name: Credentials(**fields) for name, fields in found["profiles"].items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CommandError(
            f"{path} cannot be read: {error}.", "Remove it, and sign in again: attune login"
        ) from None


def store(profile: str, credentials: Credentials | None) -> Path:
    """Keep credentials under a profile's name, or with None forget them; returns the file."""
    profiles = stored()
    if credentials is None:
        profiles.pop(profile, None)
    else:
        profiles[profile] = credentials
    path = credentials_file()
    write_private(path, {"profiles": {name: asdict(one) for name, one in profiles.items()}})
    return path


def write_private(path: Path, document: Any) -> None:
    """Write JSON that only its owner can read, whole or not at all.

    Raises:
        CommandError: the file cannot be written.
    """
    fresh = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(document, file, indent=2)
            file.write("\n")
        fresh.replace(path)
    except OSError as error:
        raise CommandError(
            f"{path} cannot be written: {error.strerror}.", f"Name another folder with {FOLDER_VARIABLE}."
        ) from None


def chosen(profile: str | None, url: str | None, key: str | None, certificate: str | None) -> Credentials:
    """Return the credentials to use: options before the environment, the environment before the file.

    Raises:
        NotSignedIn: something is missing.
    """
    named = profile or os.environ.get("ATTUNE_PROFILE") or DEFAULT_PROFILE
    kept = stored().get(named)
    if profile is not None and kept is None:
        raise NotSignedIn(f"No profile {profile!r} is kept.", f"Make it: attune login --profile {profile}")
    if profile is not None and kept is not None:
        url, key, certificate = url or kept.url, key or kept.key, certificate or kept.certificate
    where = url or os.environ.get(URL_VARIABLE) or (kept.url if kept else "")
    is_kept = kept is not None and bool(where) and base_url(where) == kept.url
    what = key or os.environ.get(KEY_VARIABLE) or (kept.key if kept and is_kept else "")
    if not where or not what:
        missing = "service" if not where else f"key for {where}"
        raise NotSignedIn(
            f"No {missing} is known.", f"Sign in: attune login, or set {URL_VARIABLE} and {KEY_VARIABLE}."
        )
    trusted = (
        certificate or os.environ.get(CERTIFICATE_VARIABLE) or (kept.certificate if kept and is_kept else "")
    )
    return Credentials(base_url(where), what.strip(), trusted)
