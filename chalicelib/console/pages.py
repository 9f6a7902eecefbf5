"""The console's files as they are sent: compressed, with their tags, under a strict security policy."""

from __future__ import annotations

import functools
import gzip
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

FILES = Path(__file__).parent / "files"
WELCOME, CONSOLE = "welcome.html", "console.html"
"""What `/` and `/console` show; nothing else is a page of its own."""
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_ROOT_MARK = b"{root}"
_ROOT = re.compile(r"(?:/[0-9A-Za-z._~-]+)*")
_COMPRESSION_LEVEL = 9
_POLICY = (
    # Everything comes from this host, scripts are files, and pages lie in nobody's frame. `blob:` is what the
    # page itself has fetched with the user's key: recordings to play, and pictures of evaluations.
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; media-src blob:; "
    "connect-src 'self'{store}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
_HEADERS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # A browser keeps files, and asks by their tags whether they are those of the service that runs now.
    "Cache-Control": "no-cache",
    "Vary": "Accept-Encoding",
}


def headers(store: str | None) -> dict[str, str]:
    """Return the headers of every file.

    Args:
        store: scheme and host to which the page may send recordings, beside its own; None: nowhere.
    """
    return {"Content-Security-Policy": _POLICY.format(store=f" {store}" if store else ""), **_HEADERS}


@dataclass(frozen=True)
class ConsolePage:
    """One file, ready to be sent."""

    content_type: str
    tag: str
    """Its `ETag`, quotes included."""
    plain: bytes
    compressed: bytes
    """The same with gzip."""


@functools.lru_cache(maxsize=128)
def page(name: str, root: str = "") -> ConsolePage | None:
    """Return a file of the console; None if there is none of that name.

    Args:
        name: as it stands in `files`.
        root: the path below which the service is seen, such as API Gateway's `/api`; pages name files by it.
    """
    if name not in names():
        return None
    content = (FILES / name).read_bytes()
    if name.endswith(".html"):
        content = content.replace(_ROOT_MARK, (root if _ROOT.fullmatch(root) else "").encode())
    tag = f'"{hashlib.sha256(content).hexdigest()[:20]}"'
    compressed = gzip.compress(content, _COMPRESSION_LEVEL, mtime=0)
    return ConsolePage(_TYPES[Path(name).suffix], tag, content, compressed)


@functools.cache
def names() -> frozenset[str]:
    """Return the names of all files that are served."""
    return frozenset(path.name for path in FILES.iterdir() if path.suffix in _TYPES)
