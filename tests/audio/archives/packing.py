"""Archives that the tests of audio unpack."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from collections.abc import Iterable, Mapping


def zipped(members: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip archive of these members."""
    return zipped_entries([(zipfile.ZipInfo(name), content) for name, content in members.items()], method)


def zipped_entries(
    entries: Iterable[tuple[zipfile.ZipInfo, bytes]], method: int = zipfile.ZIP_DEFLATED
) -> bytes:
    """A zip archive of these entries, twice the same name included."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for info, content in entries:
            if info.filename in archive.NameToInfo:
                del archive.NameToInfo[info.filename]  # else zipfile warns
            archive.writestr(info, content, compress_type=method)
    return file.getvalue()


def tarred(members: Mapping[str, bytes], form: int = tarfile.PAX_FORMAT) -> bytes:
    """A tar.gz archive of these members."""
    entries = []
    for name, content in members.items():
        info = tarfile.TarInfo(name)
        info.size = len(content)
        entries.append((info, content))
    return tarred_entries(entries, form)


def tarred_entries(entries: Iterable[tuple[tarfile.TarInfo, bytes]], form: int = tarfile.PAX_FORMAT) -> bytes:
    """A tar.gz archive of these entries."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=form) as archive:
        for info, content in entries:
            archive.addfile(info, io.BytesIO(content))
    return gzip.compress(file.getvalue(), 1)
