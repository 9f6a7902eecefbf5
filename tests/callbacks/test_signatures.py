from __future__ import annotations

import base64

from chalicelib.callbacks import signatures


def test_watsons_signature_to_the_letter() -> None:
    # The value of RFC 2202's second case for HMAC-SHA1.
    expected = bytes.fromhex("effcdf6ae5eb2fa2d27416d5f184df9c259a7c79")
    assert base64.b64decode(signatures.watson("Jefe", b"what do ya want for nothing?")) == expected


def test_both_signatures_and_none() -> None:
    signed = signatures.headers("secret", b"{}", 1_773_687_565)
    assert signed == {
        "X-Callback-Signature": "XWFgXD/uqXmSEN3LcTB9S6JkIl8=",
        "X-Attune-Signature": signed["X-Attune-Signature"],
    }
    moment, _, dated = signed["X-Attune-Signature"].partition(",v1=")
    assert moment == "t=1773687565"
    assert len(dated) == 64
    assert signatures.headers("secret", b"{}", 1_773_687_566)["X-Attune-Signature"][13:] != dated
    assert signatures.headers(None, b"{}", 0) == {}
