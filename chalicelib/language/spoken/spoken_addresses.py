"""E-mail and web addresses as they are dictated: john dot doe at example dot com."""

from __future__ import annotations

import re

TOP_LEVEL = (
    *("com", "org", "net", "edu", "gov", "mil", "io", "co", "us", "uk", "ca", "de", "eu", "info", "biz"),
    *("tv", "me", "ai", "app", "dev", "fm", "ly"),
)
"""Ends of web addresses that are found without "http"."""
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_DOMAIN = rf"(?:{_LABEL}\.)+(?:{'|'.join(sorted(TOP_LEVEL))})\b(?![-@]|\.\w)"
EMAIL = re.compile(rf"(?<![\w.+-])[A-Za-z0-9](?:[\w.+-]{{0,62}}\w)?@(?:{_LABEL}\.)+[A-Za-z]{{2,}}\b")
WEB = re.compile(
    rf"(?<![\w.@/-])(?:https?://)?(?=[A-Za-z0-9-]{{2,}}\.){_DOMAIN}(?:/(?:[\w/.~-]*[\w/])?)?", re.IGNORECASE
)
_SIGNS = {
    ".": "dot",
    "@": "at",
    "_": "underscore",
    "-": "dash",
    "+": "plus",
    "/": "slash",
    ":": "colon",
    "~": "tilde",
}


def said(match: re.Match[str]) -> str:
    """Say the signs of an address; its words and digits stay as they are."""
    text = re.sub(r"\bwww\b", "w w w", match[0].removesuffix("/"), flags=re.IGNORECASE)
    return "".join(f" {_SIGNS[sign]} " if sign in _SIGNS else sign for sign in text)
