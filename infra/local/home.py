"""The folder that holds everything one service has: state, secrets, certificate, logs."""

from __future__ import annotations

import datetime
import fcntl
import ipaddress
import os
import secrets
import shutil
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from chalicelib.engines.model_cache import FOLDER_PREFIX

_CERTIFICATE_DAYS = 825
"""The longest that common clients accept."""
_RENEW_BEFORE_DAYS = 30


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
    def jobs(self) -> Path:
        """Training jobs: their table and their working folders."""
        return self.path / "jobs"

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
        if self.certificate.exists() and self.certificate_key.exists():
            present = x509.load_pem_x509_certificate(self.certificate.read_bytes())
            left = present.not_valid_after_utc - datetime.datetime.now(datetime.UTC)
            if left > datetime.timedelta(days=_RENEW_BEFORE_DAYS):
                return
        key = ec.generate_private_key(ec.SECP256R1())
        pem = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        _write_private(self.certificate_key, pem)
        _write_private(self.certificate, _self_signed(key).public_bytes(serialization.Encoding.PEM))


def _self_signed(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Attune on this machine")])
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=_CERTIFICATE_DAYS))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        # A certificate authority of one, so that clients can be told to trust exactly this file.
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def _write_private(path: Path, data: bytes) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    fresh = path.with_suffix(".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
