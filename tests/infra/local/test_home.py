"""The folder of one service."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from infra.local.home import Home


def test_what_a_killed_service_worked_on_is_removed_and_models_stay(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.clear_temporary()
    for name in ("attune-work-1", "tmp2", "attune-models-0"):
        (home.temporary / name).mkdir()
        (home.temporary / name / "file").write_bytes(b"RIFF")
    (home.temporary / "tmp3").write_bytes(b"RIFF")
    home.clear_temporary()
    assert [path.name for path in home.temporary.iterdir()] == ["attune-models-0"]
    assert (home.temporary / "attune-models-0/file").exists()
    assert home.temporary.stat().st_mode & 0o077 == 0


def test_a_certificate_stays_until_it_is_about_to_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(tmp_path)
    home.ensure_certificate()
    first = home.certificate.read_bytes()
    home.ensure_certificate()
    assert home.certificate.read_bytes() == first
    now_s = time.time()
    monkeypatch.setattr("infra.local.home.time.time", lambda: now_s + 800 * 86_400)
    home.ensure_certificate()
    assert home.certificate.read_bytes() != first


def test_a_certificate_that_could_sign_others_is_replaced(tmp_path: Path) -> None:
    home = Home(tmp_path)
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "of an earlier version")])
    now = datetime.now(UTC)
    authority = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=800))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    home.certificate.write_bytes(authority.public_bytes(serialization.Encoding.PEM))
    home.certificate_key.write_bytes(b"its key")
    home.ensure_certificate()
    made = x509.load_pem_x509_certificate(home.certificate.read_bytes())
    assert not made.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert made.subject != name
