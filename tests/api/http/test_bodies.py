"""Bodies that the front door has stored, or announces; and those that are too large without one."""

from __future__ import annotations

import pytest

from chalicelib.api.http import bodies
from chalicelib.customization import limits
from chalicelib.customization.acoustic import audio_resources
from chalicelib.storage import objects, spool
from chalicelib.storage.spool import Spooled
from tests.api.calling import Answer, Instance, Model, assert_error

MIB = 1024 * 1024


def spooled(body: bytes) -> Spooled:
    key = spool.new_key()
    objects.put(key, body)
    return Spooled(key, len(body))


def post(model: Model, reference: Spooled, name: str = "a", *, body: bytes = b"", **headers: str) -> Answer:
    return model.post_audio(name, body, X_Attune_Body=spool.write_header(reference), **headers)


def pending(size_bytes: int = 0) -> Spooled:
    return Spooled(spool.PENDING, size_bytes)


def test_a_stored_body_becomes_the_audio(model: Model) -> None:
    body = b"RIFF....WAVE" + bytes(10_000)
    reference = spooled(body)
    assert post(model, reference).status == 201
    audio = audio_resources.get(model.row, "a")
    assert objects.get(audio_resources.key_of(audio).key) == body
    assert audio.size_bytes == len(body)
    assert not objects.exists(reference.key)


def test_a_stored_body_is_sniffed(model: Model) -> None:
    assert post(model, spooled(b"PK\x03\x04" + bytes(10_000)), Content_Type="").status == 201
    assert audio_resources.get(model.row, "a").kind == "archive"


def test_an_announced_body_is_agreed_to_and_nothing_happens(model: Model) -> None:
    before = model.shown
    for size_bytes in (0, limits.AUDIO_BYTES):
        answer = post(model, pending(size_bytes))
        assert (answer.status, answer.body) == (204, b"")
    assert model.shown == before
    assert model("GET", "/audio").json["audio"] == []


def test_an_announced_body_is_refused_before_it_is_sent(model: Model) -> None:
    model.add("there")
    model.post_audio("analysed")
    assert post(model, pending(), "there").status == 400
    assert post(model, pending(), "analysed").status == 409
    assert post(model, pending(), Content_Type="text/plain").status == 415
    assert post(model, pending(), "n" * 129).status == 400
    assert post(model, pending(limits.AUDIO_BYTES + 1)).status == 413
    model.instance("DELETE", f"{model.path}/audio/analysed")
    model("DELETE")
    assert post(model, pending()).status == 401


def test_an_announcement_needs_credentials(model: Model) -> None:
    assert post(model, pending(), Authorization="Basic nonsense").status == 401


@pytest.mark.parametrize("size_bytes", [limits.AUDIO_BYTES + 1, 10 * limits.AUDIO_BYTES])
def test_a_stored_body_has_a_limit(model: Model, size_bytes: int) -> None:
    assert_error(
        post(model, Spooled("spool/never-read", size_bytes)),
        413,
        f"The request's body has {size_bytes} bytes, but at most 100 MB (104857600 bytes) are allowed.",
    )


def test_without_a_front_door_less_fits(model: Model) -> None:
    assert model.post_audio("most", bytes(bodies.MOST_INLINE_BYTES)).status == 201
    assert_error(
        model.post_audio("more", bytes(bodies.MOST_INLINE_BYTES + 1)),
        413,
        "Without the front door, a request's body can have at most 4 MB. Announce an upload with POST "
        "/v1/uploads, send it to its URL, and name it in place of the body; or send compressed audio (for "
        "instance FLAC or Ogg) or several smaller files, or use the URL of the front door.",
    )


@pytest.mark.parametrize(
    "forge",
    [
        lambda good: good[:-1] + ("0" if good[-1] != "0" else "1"),
        lambda good: good.replace("spool/", "audio/"),
        lambda good: good.replace(";", ";1", 1),
        lambda good: good.rpartition(";")[0],
        lambda good: "nonsense",
        lambda good: ";;",
        lambda good: "\xff" + good,
    ],
)
def test_a_reference_that_is_not_ours_is_refused(model: Model, forge: object) -> None:
    assert callable(forge)
    victim = spooled(b"RIFF of somebody else")
    header = forge(spool.write_header(victim))
    answer = model.post_audio("a", X_Attune_Body=header)
    assert_error(answer, 400, "the reference to the request's body is not signed by this service")
    assert objects.exists(victim.key)
    assert model("GET", "/audio").json["audio"] == []


def test_the_front_doors_word_beats_an_inline_body(model: Model) -> None:
    assert post(model, spooled(b"RIFF stored"), body=b"RIFF inline").status == 201
    audio = audio_resources.get(model.row, "a")
    assert objects.get(audio_resources.key_of(audio).key) == b"RIFF stored"


def test_a_stored_body_that_is_refused_harms_nobody(instance: Instance) -> None:
    model = instance.model()
    reference = spooled(b"no format")
    assert post(model, reference, Content_Type="text/plain").status == 415
    assert model("GET", "/audio").json["audio"] == []
