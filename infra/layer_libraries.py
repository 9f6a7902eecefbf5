"""Makes the shared libraries of the Lambda layer small: strips, replaces and packs, with binutils alone."""

from __future__ import annotations

import gzip
import platform
import re
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

_PROGRAM_HEADER = struct.Struct("<II6Q")
_LOAD = 1


class NoBinutils(Exception):
    """A program is missing; the message says which package brings it."""


@dataclass(frozen=True)
class Format:
    """Object files of an architecture, as binutils name them."""

    name: str
    architecture: str
    return_null: bytes
    """Code of a function that returns zero."""


_FORMATS = {
    "x86_64": Format("elf64-x86-64", "i386:x86-64", bytes.fromhex("31c0c3")),
    "aarch64": Format("elf64-littleaarch64", "aarch64", bytes.fromhex("000080d2c0035fd6")),
}


@dataclass(frozen=True)
class Binutils:
    """The programs of GNU binutils for one architecture."""

    format: Format
    strip: str
    linker: str
    nm: str
    objcopy: str


def binutils(machine: str) -> Binutils:
    """Return the programs that know the libraries of a machine: x86_64 | aarch64.

    Raises:
        NoBinutils: they are not installed.
    """
    native = machine == platform.machine()
    names = ("strip", "ld", "nm", "objcopy")
    found = [
        shutil.which(f"{machine}-linux-gnu-{name}") or (shutil.which(name) if native else None)
        for name in names
    ]
    strip, linker, nm, objcopy = found
    if strip is None or linker is None or nm is None or objcopy is None:
        package = "binutils" if native else f"binutils-{machine.replace('_', '-')}-linux-gnu"
        missing = ", ".join(name for name, path in zip(names, found, strict=True) if path is None)
        raise NoBinutils(f"no {missing} for {machine} is installed: apt-get install {package}")
    return Binutils(_FORMATS[machine], strip, linker, nm, objcopy)


def strip(library: Path, tools: Binutils) -> int:
    """Remove what only debuggers read; returns the bytes that were saved.

    A library whose segments are no longer aligned afterwards, as happens to those that `patchelf` changed,
    stays as it was: it could not be loaded any more.
    """
    stripped = library.with_name(f"{library.name}.stripped")
    subprocess.run([tools.strip, "--strip-unneeded", "-o", str(stripped), str(library)], check=True)
    saved_bytes = library.stat().st_size - stripped.stat().st_size
    if saved_bytes <= 0 or not loadable(stripped):
        stripped.unlink()
        return 0
    shutil.copymode(library, stripped)
    stripped.replace(library)
    return saved_bytes


def loadable(library: Path) -> bool:
    """Tell whether the segments of a 64-bit ELF file lie as the dynamic linker wants them."""
    content = library.read_bytes()
    if content[:5] != b"\x7fELF\x02":
        return False
    (offset,) = struct.unpack_from("<Q", content, 32)
    (count,) = struct.unpack_from("<H", content, 56)
    for number in range(count):
        kind, _, at, address, _, _, _, alignment = _PROGRAM_HEADER.unpack_from(
            content, offset + number * _PROGRAM_HEADER.size
        )
        if kind == _LOAD and alignment and (at - address) % alignment:
            return False
    return True


def stand_in(library: Path, users: Collection[Path], tools: Binutils) -> None:
    """Replace a library that others are linked to, and have no use for, by one whose functions return zero.

    Args:
        library: the encoder, say, that nobody uses.
        users: the libraries that are linked to it.
        tools: for the architecture of all of them.
    """
    defined = _symbols(library, tools, "--defined-only")
    wanted = sorted(defined & {name for user in users for name in _symbols(user, tools, "--undefined-only")})
    made = library.with_name(f"{library.name}.stand-in")
    with tempfile.TemporaryDirectory() as scratch:
        code, linked = Path(scratch, "code"), Path(scratch, "code.o")
        code.write_bytes(tools.format.return_null)
        command = [tools.objcopy, "-I", "binary", "-O", tools.format.name, "-B", tools.format.architecture]
        command += ["--redefine-sym", f"{_start_of(code)}=answer"]
        command += [
            "--set-section-alignment",
            ".data=16",
            "--rename-section",
            ".data=.text,alloc,load,readonly,code,contents",
            str(code),
            str(linked),
        ]
        subprocess.run(command, check=True)
        command = [tools.linker, "-shared", "-z", "noexecstack", "-soname", library.name, str(linked)]
        command += [f"--defsym={name}=answer" for name in wanted]
        subprocess.run([*command, "-o", str(made)], check=True)
    shutil.copymode(library, made)
    made.replace(library)


def _start_of(path: Path) -> str:
    """Return what objcopy calls the begin of a file's content."""
    return f"_binary_{re.sub('[^A-Za-z0-9]', '_', str(path))}_start"


def _symbols(library: Path, tools: Binutils, which: str) -> set[str]:
    done = subprocess.run([tools.nm, "-D", which, str(library)], check=True, capture_output=True, text=True)
    return {line.split()[-1].partition("@")[0] for line in done.stdout.splitlines() if line.strip()}


def pack(library: Path, package: Path) -> None:
    """Leave a library compressed, and have the package that needs it unpack it when it is first imported."""
    packed = library.with_name(f"{library.name}.gz")
    packed.write_bytes(gzip.compress(library.read_bytes(), 6, mtime=0))
    library.unlink()
    shutil.copyfile(Path(__file__).with_name("packed_libraries.py"), package / "_packed.py")
    first = package / "__init__.py"
    call = f"from {package.name} import _packed\n\n_packed.load({library.parent.name!r})\n"
    first.write_text(call + first.read_text())
