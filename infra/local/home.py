"""The folder that holds everything one service has: state, secrets, certificate, logs."""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import shutil
import ssl
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from chalicelib.engines.model_cache import FOLDER_PREFIX

_EMULATORS = "emulators"
_RENEW_BEFORE_S = 30 * 86_400.0
_UTC_TIME = re.compile(rb"\x17\x0d(\d{12}Z)")
"""As DER writes a time before 2050."""


class HomeInUse(Exception):
    """Another service runs on the same folder."""


@dataclass(frozen=True)
class Home:
    """Paths below `ATTUNE_HOME`."""

    path: Path

    @property
    def store(self) -> Path:
        """Objects and tables."""
        return self.path / "store"

    @property
    def store_url(self) -> Path:
        """Where the store of the running service answers, for an operator's commands."""
        return self.path / "store-url"

    def note_store_url(self, url: str) -> None:
        """Write down where the store answers until the service ends."""
        _write_private(self.store_url, url.encode())

    @property
    def jobs(self) -> Path:
        """Training jobs: their table and their working folders."""
        return self.path / "jobs"

    @property
    def bases(self) -> Path:
        """Networks that the operator has staged, if any."""
        return self.path / "bases"

    def note_emulators(self, training_url: str, recognition_url: str) -> None:
        """Note where the emulations of SageMaker and of Lambda answer, for programs beside the service."""
        _write_private(self.path / _EMULATORS, f"{training_url}\n{recognition_url}".encode())

    def emulators(self) -> tuple[str, str]:
        """Return what `note_emulators` has noted."""
        training_url, recognition_url = (self.path / _EMULATORS).read_text().splitlines()
        return training_url, recognition_url

    @property
    def temporary(self) -> Path:
        """Where processes keep what they work on, and custom models that are in use."""
        return self.path / "temporary"

    def clear_temporary(self) -> None:
        """Remove what a killed service left of what it worked on; models may be of use again."""
        self.temporary.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path in self.temporary.iterdir():
            if path.is_dir() and not path.name.startswith(FOLDER_PREFIX):
                shutil.rmtree(path, ignore_errors=True)
            elif not path.is_dir():
                path.unlink(missing_ok=True)

    @property
    def logs(self) -> Path:
        """One log file per process."""
        return self.path / "logs"

    @property
    def certificate(self) -> Path:
        """Self-signed, PEM."""
        return self.path / "certificate.pem"

    @property
    def certificate_key(self) -> Path:
        """The certificate's private key, PEM."""
        return self.path / "certificate-key.pem"

    def lock(self) -> IO[str]:
        """Take the folder for this process until the returned file is closed, or the process ends.

        Raises:
            HomeInUse: another service has it.
        """
        self.logs.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = (self.path / "lock").open("a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            owner = file.read().strip() or "unknown"
            file.close()
            raise HomeInUse(
                f"Another Attune (process {owner}) is running on {self.path}. "
                "Stop it, or choose another folder with ATTUNE_HOME."
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        return file

    def secret(self, name: str, make: Callable[[], str] = lambda: secrets.token_urlsafe(32)) -> str:
        """Return what is stored under that name; the first time it is made."""
        path = self.path / name
        if not path.exists():
            _write_private(path, make().encode())
        return path.read_text()

    @property
    def owner(self) -> str:
        """GUID of the instance that the service's own API key opens."""
        return self.secret("owner", lambda: str(uuid.uuid4()))

    def ensure_certificate(self) -> None:
        """Make a certificate for localhost and 127.0.0.1, unless there is one that is good for a while."""
        present = self.certificate.exists() and self.certificate_key.exists()
        if present and _is_leaf(self.certificate):
            left_s = _valid_until_s(self.certificate) - time.time()
            if left_s > _RENEW_BEFORE_S:
                return
        from infra.local import self_signed  # what it is made with takes ten megabytes

        key, certificate = self_signed.make()
        _write_private(self.certificate_key, key)
        _write_private(self.certificate, certificate)


def _is_leaf(certificate: Path) -> bool:
    """Tell whether a certificate can sign no others; those of earlier versions could."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(certificate)
    return context.cert_store_stats()["x509_ca"] == 0


def _valid_until_s(certificate: Path) -> float:
    """Return the end of a certificate, in Unix seconds.

    Raises:
        ValueError: it is not one.
    """
    der = ssl.PEM_cert_to_DER_cert(certificate.read_text())
    # Of a leaf Python tells nothing without a connection. The second of its two times is the end.
    times = [found[1].decode() for found in _UTC_TIME.finditer(der)]
    if len(times) != 2:
        raise ValueError(f"{certificate} has {len(times)} times in place of two")
    return datetime.strptime(times[1], "%y%m%d%H%M%SZ").replace(tzinfo=UTC).timestamp()


def _write_private(path: Path, data: bytes) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    fresh = path.with_suffix(".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
