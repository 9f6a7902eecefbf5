"""Adds bases to the folder of ATTUNE_BASES, checks them and removes them."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import fcntl
import hashlib
import shutil
import tempfile
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from chalicelib.engines import catalogue, staged, staging, watson_models
from chalicelib.engines.errors import ModelUnreadable
from chalicelib.engines.staged import Catalogue, CatalogueUnreadable, StagedBase, StagedFile, StagedModel
from chalicelib.engines.staging import PreparedBase
from chalicelib.engines.watson_models import LANGUAGES, US_ENGLISH
from infra.bases import measurement, memory, sources
from infra.bases.errors import NotStaged
from infra.bases.measurement import BaseFigures

ENGINE = "whisper"
_PART = ".part-"
"""Begins the names of folders that are being made."""
_ENGLISH = "en"


@dataclass(frozen=True)
class WantedBase:
    """What an operator asks for."""

    source: str
    name: str | None = None
    """None: after the source."""
    languages: tuple[str, ...] = ()
    """Watson's tags (`fr-FR`), or languages (`fr`: all of its dialects); none: all but US English."""
    us_english: bool = False
    """It becomes the newest version of US English, too."""
    licence: str = ""
    sha256: str | None = None
    """What the file of the weights must have."""
    measuring: bool = True


@dataclass(frozen=True)
class Added:
    """A base that is staged now."""

    base: StagedBase
    prepared: PreparedBase
    figures: BaseFigures | None


def add(root: Path, wanted: WantedBase) -> Added:
    """Stage a base; a service that looks at the same folder serves it from then on.

    Raises:
        NotStaged: it is not, and nothing has changed.
    """
    root.mkdir(parents=True, exist_ok=True)
    with _locked(root), tempfile.TemporaryDirectory(prefix=_PART, dir=root) as folder:
        known = _catalogue(root)
        name = _name(wanted, known, root)
        scratch, target = Path(folder) / "source", Path(folder) / "base"
        scratch.mkdir()
        target.mkdir()
        try:
            prepared = _prepared(sources.fetched(wanted.source, scratch), target, wanted.sha256)
        except ModelUnreadable as error:
            raise NotStaged(str(error)) from None
        except MemoryError:
            raise NotStaged("the memory does not suffice to convert these weights") from None
        tags = _tags(wanted, prepared)
        figures = None
        if wanted.measuring:
            spoken = _ENGLISH if _ENGLISH in prepared.languages else LANGUAGES[tags[0]].code
            figures = measurement.measured(target, ENGINE, spoken if prepared.multilingual else None)
        base = StagedBase(
            name=name,
            engine=ENGINE,
            source=wanted.source,
            added=_today().isoformat(),
            licence=wanted.licence,
            files={file: _described(target / file) for file in prepared.files},
            models=_models(tags, known, multilingual=prepared.multilingual),
            memory_bytes=figures.memory_bytes if figures else 2 * (target / staged.WEIGHTS).stat().st_size,
            measured={} if figures is None else _noted(figures, prepared),
        )
        target.rename(root / name)
        staged.write(root, dataclasses.replace(known, bases=(*known.bases, base)))
    return Added(base, prepared, figures)


def problems(root: Path, name: str) -> list[str]:
    """Return what is wrong with a staged base; its files are hashed.

    Raises:
        NotStaged: there is none of that name.
    """
    base = _base(_catalogue(root), name)
    found = []
    for file, stated in base.files.items():
        path = root / name / file
        if not path.is_file():
            found.append(f"{path} has gone")
        elif path.stat().st_size != stated.size_bytes:
            found.append(f"{path} has {path.stat().st_size} bytes, not {stated.size_bytes}: it is not whole")
        elif _described(path) != stated:
            found.append(f"{path} has another checksum than when it was staged")
    return found


def remove(root: Path, name: str) -> StagedBase:
    """Remove a base; its versions are never given again.

    Raises:
        NotStaged: there is none of that name.
    """
    with _locked(root):
        known = _catalogue(root)
        base = _base(known, name)
        left = tuple(other for other in known.bases if other is not base)
        retired = (*known.retired, *(model.version for model in base.models))
        staged.write(root, Catalogue(left, retired))
        shutil.rmtree(root / name, ignore_errors=True)
    return base


def bases(root: Path) -> tuple[StagedBase, ...]:
    """Return the bases of a folder.

    Raises:
        NotStaged: its catalogue is damaged.
    """
    return _catalogue(root).bases


def _catalogue(root: Path) -> Catalogue:
    try:
        return staged.read(root)
    except CatalogueUnreadable as error:
        raise NotStaged(f"{error}. Put a copy of it back, or remove it and add the bases again") from None


def _base(known: Catalogue, name: str) -> StagedBase:
    base = known.base(name)
    if base is None:
        names = ", ".join(other.name for other in known.bases) or "none"
        raise NotStaged(f"no base is called {name!r}; there are: {names}")
    return base


@contextlib.contextmanager
def _locked(root: Path) -> Iterator[None]:
    """Keep other commands out of the folder, and clear away what killed ones left."""
    if not root.is_dir():
        raise NotStaged(f"{root} is no folder: nothing is staged there")
    with (root / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise NotStaged(f"another command is changing {root}; try again when it is done") from None
        for part in root.glob(f"{_PART}*"):
            shutil.rmtree(part, ignore_errors=True)
        yield


def _name(wanted: WantedBase, known: Catalogue, root: Path) -> str:
    source = wanted.source.rstrip("/")
    local = Path(source).expanduser()
    name = wanted.name or (local.resolve().name if local.is_dir() else source.rpartition("/")[2])
    if not staged.NAME.fullmatch(name):
        raise NotStaged(
            f"{name!r} is no name for a base: letters, digits, '.', '_' and '-' are; give one by --name"
        )
    if known.base(name) is not None:
        raise NotStaged(f"a base is called {name!r} already; remove it first, or give another name by --name")
    if (root / name).exists():
        raise NotStaged(f"{root / name} exists, and is no base of the catalogue; remove it, or use --name")
    return name


def _prepared(source: Path, target: Path, sha256: str | None) -> PreparedBase:
    stages = staging.stager(ENGINE)
    weights = stages.weights(source)
    memory.check(sum(path.stat().st_size for path in weights), memory.available_bytes())
    if sha256 is not None:
        if len(weights) > 1:
            raise NotStaged(f"the weights lie in {len(weights)} files: --sha256 can be given for one only")
        found = _described(weights[0]).sha256
        if found != sha256.lower():
            raise NotStaged(f"{weights[0]} has the SHA-256 {found}, not {sha256}: it is another file")
    return stages.prepare(source, target)


def _tags(wanted: WantedBase, prepared: PreparedBase) -> tuple[str, ...]:
    """Return Watson's tags of the languages that the base is to serve."""
    tags = [tag for tag, language in LANGUAGES.items() if language.code in prepared.languages]
    if wanted.languages:
        chosen = [tag for asked in wanted.languages for tag in _meant(asked, tags)]
    else:
        chosen = [tag for tag in tags if tag != US_ENGLISH]
    if wanted.us_english:
        chosen += _meant(US_ENGLISH, tags)
    if not chosen:
        raise NotStaged("these weights know none of the languages that Watson had")
    return tuple(dict.fromkeys(chosen))


def _meant(asked: str, known: Sequence[str]) -> list[str]:
    """Return the tags that an operator means; US English only by its own name."""
    if asked in known:
        return [asked]
    if found := [tag for tag in known if LANGUAGES[tag].code == asked and tag != US_ENGLISH]:
        return found
    ours = asked in LANGUAGES or asked in {language.code for language in LANGUAGES.values()}
    reason = "these weights do not know it" if ours else "Watson had no model of it"
    raise NotStaged(f"language {asked!r}: {reason}. They know {', '.join(known) or 'none that it had'}")


def _models(tags: Sequence[str], known: Catalogue, *, multilingual: bool) -> tuple[StagedModel, ...]:
    taken = {
        *known.versions(),
        *(version for model in catalogue.KNOWN_MODELS.values() for version in model.version_names),
    }
    return tuple(
        StagedModel(name, _version(name, taken), watson_models.LANGUAGES[tag].code if multilingual else None)
        for tag in tags
        for name in LANGUAGES[tag].models
    )


def _version(name: str, taken: Collection[str]) -> str:
    """Return a version string that was never given."""
    version, number = f"{name}.v{_today().isoformat()}", 1
    while (free := version if number == 1 else f"{version}-{number}") in taken:
        number += 1
    return free


def _described(path: Path) -> StagedFile:
    with path.open("rb") as file:
        return StagedFile(path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest())


def _noted(figures: BaseFigures, prepared: PreparedBase) -> dict[str, float | int | str]:
    noted: dict[str, float | int | str] = {
        "load_s": round(figures.load_s, 3),
        "seconds_per_second": round(figures.speed, 3),
        "text": figures.text,
    }
    if _ENGLISH in prepared.languages:
        noted |= {"wrong_words": figures.wrong_words, "words": len(measurement.CLIP_TEXT.split())}
    return noted


def _today() -> datetime.date:
    return datetime.datetime.now(datetime.UTC).date()
