from __future__ import annotations

import gzip
import io
import struct
import tarfile
import threading
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.audio.archives import archive_members
from chalicelib.audio.archives.archive_entries import ArchiveError, ArchiveLimits
from tests.audio.archives.packing import tarred, tarred_entries, zipped, zipped_entries

Pack = Callable[[Mapping[str, bytes]], bytes]
BOTH = pytest.mark.parametrize("pack", [zipped, tarred])
MEMBERS = {"one.wav": b"first" * 500, "rooms/kitchen/two.flac": bytes(range(256)) * 300, "leer.wav": b""}


@pytest.fixture
def unpack(tmp_path: Path) -> Callable[..., list[tuple[str, bytes | None, str | None]]]:
    def unpack(
        content: bytes, limits: ArchiveLimits | None = None
    ) -> list[tuple[str, bytes | None, str | None]]:
        path = tmp_path / "archive"
        path.write_bytes(content)
        return list(_unpacked(path, limits))

    return unpack


def _unpacked(
    path: Path, limits: ArchiveLimits | None = None
) -> Iterator[tuple[str, bytes | None, str | None]]:
    for member in archive_members.members(path, limits=limits):
        yield member.name, member.file.read() if member.file else None, member.error


Unpack = Callable[..., list[tuple[str, bytes | None, str | None]]]


@BOTH
def test_members_come_in_order_with_their_content(pack: Pack, unpack: Unpack) -> None:
    assert unpack(pack(MEMBERS)) == [(name, content, None) for name, content in MEMBERS.items()]


def test_stored_members_and_gnu_tar(unpack: Unpack) -> None:
    expected = [(name, content, None) for name, content in MEMBERS.items()]
    assert unpack(zipped(MEMBERS, zipfile.ZIP_STORED)) == expected
    assert unpack(tarred(MEMBERS, tarfile.GNU_FORMAT)) == expected
    assert unpack(tarred(MEMBERS, tarfile.USTAR_FORMAT)) == expected


def test_members_are_seekable_and_closed_one_after_the_other(tmp_path: Path) -> None:
    path = tmp_path / "archive"
    path.write_bytes(zipped(MEMBERS))
    seen: list[BinaryIO] = []
    for member in archive_members.members(path):
        assert member.file is not None
        assert all(file.closed for file in seen)
        content = member.file.read()
        member.file.seek(0)
        assert member.file.read() == content
        seen.append(member.file)
    assert len(seen) == 3
    assert all(file.closed for file in seen)


def test_large_members_lie_on_disk_without_a_name(tmp_path: Path) -> None:
    path = tmp_path / "archive"
    path.write_bytes(zipped({"long.wav": bytes(40 << 20), "short.wav": b"x"}))
    tracemalloc.start()
    try:
        sizes = []
        for member in archive_members.members(path):
            assert member.file is not None
            sizes.append(member.file.seek(0, io.SEEK_END))
            assert list(tmp_path.iterdir()) == [path]
        assert sizes == [40 << 20, 1]
        assert tracemalloc.get_traced_memory()[1] < 40 << 20
    finally:
        tracemalloc.stop()


@BOTH
def test_what_macos_adds_is_ignored(pack: Pack, unpack: Unpack) -> None:
    litter = {"__MACOSX/a.wav": b"1", "a/._b.wav": b"2", "._c": b"3", ".DS_Store": b"4", "d/.DS_Store": b"5"}
    assert [name for name, _, _ in unpack(pack({**litter, "a.wav": b"6", ".hidden.wav": b"7"}))] == [
        "a.wav",
        ".hidden.wav",
    ]


@BOTH
def test_what_windows_adds_is_ignored(pack: Pack, unpack: Unpack) -> None:
    litter = {"calls/Thumbs.db": b"1", "calls/desktop.ini": b"2", "DESKTOP.INI": b"3", "ehthumbs.db": b"4"}
    assert [name for name, _, _ in unpack(pack({**litter, "calls/a.wav": b"5"}))] == ["calls/a.wav"]


def without_flag(name: bytes, extra: bytes = b"") -> bytes:
    """A zip archive with one member of this name, in no said encoding."""
    placeholder = "x" * len(name)
    info = zipfile.ZipInfo(placeholder)
    info.extra = extra
    return zipped_entries([(info, b"audio")]).replace(placeholder.encode(), name)


@pytest.mark.parametrize("name", ["Gespräch 1.wav", "通話.wav", "Ωmega/é.wav"])
def test_names_in_utf_8_without_the_flag(name: str, unpack: Unpack) -> None:
    assert unpack(without_flag(name.encode())) == [(name, b"audio", None)]


@pytest.mark.parametrize("name", ["Gespräch.wav", "naïve.wav", "Ærø.wav"])
def test_names_in_the_code_page_stay_right(name: str, unpack: Unpack) -> None:
    try:
        raw = name.encode("cp437")
    except UnicodeEncodeError:
        raw = name.encode("latin-1")
        assert unpack(without_flag(raw)) == [(raw.decode("cp437"), b"audio", None)]
    else:
        assert unpack(without_flag(raw)) == [(name, b"audio", None)]


@pytest.mark.parametrize("belongs", [True, False])
def test_info_zip_has_the_name_in_a_field(belongs: bool, unpack: Unpack) -> None:
    raw, name = b"Gespr\x84ch.wav", "Gespräch – 1.wav"
    checksum = zlib.crc32(raw if belongs else b"other")
    content = b"\1" + struct.pack("<I", checksum) + name.encode()
    extra = struct.pack("<HH", 0x7075, len(content)) + content
    expected = name if belongs else "Gespräch.wav"
    assert unpack(without_flag(raw, extra)) == [(expected, b"audio", None)]


def test_a_name_is_measured_as_it_is_read(unpack: Unpack) -> None:
    name = "通" * 120 + ".wav"
    assert unpack(without_flag(name.encode())) == [(name, b"audio", None)]


def gnu_entry(name: str, kind: bytes, content: bytes = b"", times: bytes = b"") -> bytes:
    """An entry as GNU tar writes it, with times where POSIX has the beginning of a name."""
    info = tarfile.TarInfo(name)
    info.type, info.size = kind, len(content)
    block = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    block[345 : 345 + len(times)] = times
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block) + content + bytes(-len(content) % 512)


@pytest.mark.parametrize("kind", [b"V", b"D", b"N"])
def test_what_gnu_tar_packs_for_itself_is_skipped(kind: bytes, unpack: Unpack) -> None:
    own = gnu_entry("calls", kind, b"" if kind == b"V" else b"Ya.wav\0\0")
    content = own + gnu_entry("calls/a.wav", b"0", b"audio") + bytes(1024)
    assert unpack(gzip.compress(content)) == [("calls/a.wav", b"audio", None)]


def test_times_in_a_header_are_no_name(unpack: Unpack) -> None:
    times = b"14600000000\x0014600000001\0"
    content = gnu_entry("calls/a.wav", b"0", b"audio", times) + bytes(1024)
    assert unpack(gzip.compress(content)) == [("calls/a.wav", b"audio", None)]


def test_the_rest_of_a_file_in_another_archive_says_so(unpack: Unpack) -> None:
    content = gnu_entry("a.wav", b"M", b"rest") + gnu_entry("b.wav", b"0", b"audio") + bytes(1024)
    (name, file, error), whole = unpack(gzip.compress(content))
    assert (name, file) == ("a.wav", None)
    assert "another archive" in (error or "")
    assert whole == ("b.wav", b"audio", None)


def test_sparse_files_in_newer_archives_say_so(unpack: Unpack) -> None:
    info = tarfile.TarInfo("GNUSparseFile.0/a.wav")
    info.size = 5
    info.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.name": "a.wav", "GNU.sparse.realsize": "9"}
    ((name, file, error),) = unpack(tarred_entries([(info, b"audio")]))
    assert (name, file) == ("a.wav", None)
    assert "sparse" in (error or "")


def test_directories_are_skipped(unpack: Unpack) -> None:
    folder = tarfile.TarInfo("rooms")
    folder.type = tarfile.DIRTYPE
    file = tarfile.TarInfo("rooms/a.wav")
    file.size = 1
    assert unpack(tarred_entries([(folder, b""), (file, b"a")])) == [("rooms/a.wav", b"a", None)]
    assert unpack(zipped({"rooms/": b"", "rooms/a.wav": b"a"})) == [("rooms/a.wav", b"a", None)]


@BOTH
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("../a.wav", r"leads out of the archive"),
        ("a/../../b.wav", r"leads out of the archive"),
        ("/etc/a.wav", r"absolute path"),
        ("C:/a.wav", r"absolute path"),
        ("a\\b.wav", r"backslash"),
        ("a\nb.wav", r"cannot be read"),
        ("a/" + "x" * 123 + ".wav", r"has 129 characters"),
    ],
)
def test_bad_names_are_told_and_the_rest_goes_on(pack: Pack, unpack: Unpack, name: str, reason: str) -> None:
    bad, good = unpack(pack({name: b"bad", "good.wav": b"good"}))
    assert bad[1] is None
    assert reason in (bad[2] or "")
    assert len(bad[0]) <= archive_members.MAX_NAME_LENGTH
    assert good == ("good.wav", b"good", None)


@BOTH
def test_the_longest_name_is_accepted(pack: Pack, unpack: Unpack) -> None:
    name = "é/" + "x" * 126
    assert unpack(pack({name: b"1"})) == [(name, b"1", None)]


def test_a_zero_byte_in_a_name_hides_nothing(unpack: Unpack) -> None:
    content = zipped({"aXb.wav": b"1"}).replace(b"aXb.wav", b"a\0b.wav")
    ((name, file, error),) = unpack(content)
    assert (name, file) == ("a\ufffdb.wav", None)
    assert "cannot be read" in (error or "")


def test_names_that_are_no_utf_8_are_told(unpack: Unpack) -> None:
    info = tarfile.TarInfo("a\udcff.wav")
    ((name, file, error),) = unpack(tarred_entries([(info, b"")], tarfile.GNU_FORMAT))
    assert (name, file) == ("a\ufffd.wav", None)
    assert "cannot be read" in (error or "")


def test_twice_the_same_name(unpack: Unpack) -> None:
    infos = [tarfile.TarInfo("a.wav"), tarfile.TarInfo("a.wav")]
    for content in (
        tarred_entries([(info, b"") for info in infos]),
        zipped_entries([(zipfile.ZipInfo("a.wav"), b""), (zipfile.ZipInfo("a.wav"), b"")]),
    ):
        first, second = unpack(content)
        assert first == ("a.wav", b"", None)
        assert "twice" in (second[2] or "")


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE]
)
def test_links_and_devices_in_tar_are_told(kind: bytes, unpack: Unpack) -> None:
    link, file = tarfile.TarInfo("link.wav"), tarfile.TarInfo("good.wav")
    link.type, link.linkname = kind, "/etc/passwd" * 20
    file.size = 4
    for form in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        bad, good = unpack(tarred_entries([(link, b""), (file, b"good")], form))
        assert bad[:2] == ("link.wav", None)
        assert "link or a device" in (bad[2] or "")
        assert good == ("good.wav", b"good", None)


def test_links_in_zip_are_told(unpack: Unpack) -> None:
    link = zipfile.ZipInfo("link.wav")
    link.external_attr = 0o120777 << 16
    ((_, file, error),) = unpack(zipped_entries([(link, b"/etc/passwd")]))
    assert file is None
    assert "link or a device" in (error or "")


def test_encrypted_members_are_told(unpack: Unpack) -> None:
    content = bytearray(zipped({"a.wav": b"secret"}))
    content[6] |= 1
    directory = content.index(b"PK\x01\x02")
    content[directory + 8] |= 1
    ((name, file, error),) = unpack(bytes(content))
    assert (name, file) == ("a.wav", None)
    assert "encrypted" in (error or "")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_methods_are_told(method: int, unpack: Unpack) -> None:
    ((_, file, error),) = unpack(zipped({"a.wav": b"1"}, method))
    assert file is None
    assert f"method {method}" in (error or "")


def test_a_damaged_member_of_a_zip_leaves_the_others(unpack: Unpack) -> None:
    content = bytearray(zipped(MEMBERS, zipfile.ZIP_STORED))
    content[content.index(b"firstfirst")] ^= 1
    first, second, third = unpack(bytes(content))
    assert (first[1], "damaged" in (first[2] or "")) == (None, True)
    assert (second[2], third[2]) == (None, None)


@BOTH
def test_an_archive_without_files_has_no_members(pack: Pack, unpack: Unpack) -> None:
    assert unpack(pack({})) == []


@pytest.mark.parametrize("content", [b"", b"RIFF", b"Call me Ishmael. " * 100])
def test_other_files_are_refused(content: bytes, unpack: Unpack) -> None:
    with pytest.raises(ArchiveError, match="neither a zip nor a tar"):
        unpack(content)


def test_gzip_of_something_else_is_refused(unpack: Unpack) -> None:
    for inside in (b"RIFF" * 1000, b"short"):
        with pytest.raises(ArchiveError, match="does not hold a tar"):
            unpack(gzip.compress(inside))


def test_several_gzip_members_and_filling_are_read(unpack: Unpack) -> None:
    plain = gzip.decompress(tarred(MEMBERS))
    content = gzip.compress(plain[:1000]) + bytes(512) + gzip.compress(plain[1000:]) + bytes(100)
    assert unpack(content) == [(name, inside, None) for name, inside in MEMBERS.items()]
    with pytest.raises(ArchiveError, match="damaged"):
        unpack(content + b"garbage")


@BOTH
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_cut_anywhere_an_archive_is_refused(pack: Pack, data: st.DataObject) -> None:
    whole = pack(MEMBERS)
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
    with TemporaryDirectory() as folder:
        path = Path(folder, "archive")
        path.write_bytes(cut)
        with pytest.raises(ArchiveError):
            list(_unpacked(path))


def test_a_tar_cut_before_it_was_packed_is_refused(unpack: Unpack) -> None:
    plain = gzip.decompress(tarred(MEMBERS)).rstrip(b"\0")
    for length in (512, 600, 512 + 2560, len(plain)):
        with pytest.raises(ArchiveError, match="damaged or was cut off"):
            unpack(gzip.compress(plain[:length]))


@BOTH
@given(at=st.integers(0, 10_000), bit=st.integers(0, 7))
@settings(max_examples=80, deadline=None)
def test_any_flipped_bit_is_survived_and_no_content_is_wrong(pack: Pack, at: int, bit: int) -> None:
    content = bytearray(pack(MEMBERS))
    content[at % len(content)] ^= 1 << bit
    with TemporaryDirectory() as folder:
        path = Path(folder, "archive")
        path.write_bytes(content)
        found = []
        try:
            found = list(_unpacked(path))
        except ArchiveError as error:
            assert str(error)
        assert {inside for _, inside, _ in found if inside is not None} <= set(MEMBERS.values())


names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=140)


@BOTH
@given(
    members=st.dictionaries(
        names.filter(lambda name: not name.endswith("/")), st.binary(max_size=2000), max_size=5
    )
)
@settings(max_examples=60, deadline=None)
def test_any_names_come_back_or_are_told(pack: Pack, members: dict[str, bytes]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, "archive")
        path.write_bytes(pack(members))
        for name, inside, error in _unpacked(path):
            assert len(name) <= archive_members.MAX_NAME_LENGTH
            assert name.encode()
            assert (inside is None) == (error is not None)
            if inside is not None:
                assert members[name] == inside
                assert not name.startswith("/")
                assert ".." not in name.split("/")
        assert list(Path(folder).iterdir()) == [path]


# Bombs.


@BOTH
def test_too_many_members(pack: Pack, unpack: Unpack) -> None:
    content = pack({f"{number}.wav": b"" for number in range(12)})
    assert len(unpack(content, ArchiveLimits(members=12))) == 12
    with pytest.raises(ArchiveError, match="more than 11 entries"):
        unpack(content, ArchiveLimits(members=11))


def test_a_huge_directory_is_refused_before_it_is_read(unpack: Unpack) -> None:
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, 9 << 20, 0, 0)
    with pytest.raises(ArchiveError, match="more than 10000 entries"):
        unpack(b"PK\x03\x04" + bytes(9 << 20) + end)


@BOTH
def test_too_much_content(pack: Pack, unpack: Unpack) -> None:
    with pytest.raises(ArchiveError, match="more than 2 MiB"):
        unpack(pack({"a": bytes(1 << 20), "b": bytes((1 << 20) + 1)}), ArchiveLimits(unpacked_bytes=2 << 20))


@BOTH
def test_too_high_a_ratio(pack: Pack, unpack: Unpack) -> None:
    content = pack({"silence.wav": bytes(3 << 20)})
    assert len(unpack(content)) == 1
    with pytest.raises(ArchiveError, match="more than 100 times its size"):
        unpack(content, ArchiveLimits(ratio_from_bytes=2 << 20))


@BOTH
def test_too_long_a_time(pack: Pack, unpack: Unpack) -> None:
    with pytest.raises(ArchiveError, match="within 0 seconds"):
        unpack(pack({"a.wav": b""}), ArchiveLimits(time_s=0))


def test_a_skipped_bomb_in_tar_is_counted(unpack: Unpack) -> None:
    bomb = tarfile.TarInfo("../bomb")
    bomb.size = 3 << 20
    with pytest.raises(ArchiveError, match="more than 1 MiB"):
        unpack(tarred_entries([(bomb, bytes(3 << 20))]), ArchiveLimits(unpacked_bytes=1 << 20))


def test_a_bomb_behind_the_end_of_tar_is_counted(unpack: Unpack) -> None:
    content = gzip.compress(gzip.decompress(tarred({"a": b""})) + bytes(3 << 20))
    with pytest.raises(ArchiveError, match="more than 1 MiB"):
        unpack(content, ArchiveLimits(unpacked_bytes=1 << 20))


def test_a_huge_name_in_tar_is_refused_unread(unpack: Unpack) -> None:
    header = tarfile.TarInfo("././@LongLink")
    header.type, header.size = tarfile.GNUTYPE_LONGNAME, 8 << 30
    with pytest.raises(ArchiveError, match="far too long"):
        unpack(gzip.compress(header.tobuf(tarfile.GNU_FORMAT)))


def test_endless_extensions_in_tar_are_refused(unpack: Unpack) -> None:
    header = tarfile.TarInfo("././@LongLink")
    header.type = tarfile.GNUTYPE_LONGNAME
    with pytest.raises(ArchiveError, match="damaged"):
        unpack(gzip.compress(header.tobuf(tarfile.GNU_FORMAT) * 100))


@pytest.mark.parametrize(
    "record",
    [
        b"path=a",
        b"99 path=a\n",
        b"x path=a\n",
        b"7 patha\n",
        b"9999999 path=a\n",
        b"12 size=-50\n",
        b"11 size=1e9\n",
    ],
)
def test_malformed_attributes_in_tar_are_refused(record: bytes, unpack: Unpack) -> None:
    header, file = tarfile.TarInfo("attributes"), tarfile.TarInfo("a.wav")
    header.type, header.size = tarfile.XHDTYPE, len(record)
    plain = (
        header.tobuf(tarfile.USTAR_FORMAT)
        + record.ljust(512, b"\0")
        + file.tobuf(tarfile.USTAR_FORMAT)
        + bytes(1024)
    )
    with pytest.raises(ArchiveError, match="damaged"):
        unpack(gzip.compress(plain))


def test_sparse_files_in_tar_are_told(unpack: Unpack) -> None:
    sparse = tarfile.TarInfo("sparse.wav")
    sparse.type = tarfile.GNUTYPE_SPARSE
    ((_, file, error),) = unpack(gzip.compress(sparse.tobuf(tarfile.GNU_FORMAT) + bytes(1024)))
    assert file is None
    assert "sparse" in (error or "")


def test_leaving_early_ends_the_thread(tmp_path: Path) -> None:
    path = tmp_path / "archive"
    path.write_bytes(tarred({f"{number}.wav": zlib.compress(bytes(9)) * 1000 for number in range(50)}))
    found = archive_members.members(path)
    next(found)
    assert any(thread.name.startswith("inflate") for thread in threading.enumerate())
    found.close()  # type: ignore[attr-defined]
    assert not any(thread.name.startswith("inflate") for thread in threading.enumerate())
