"""The command line of Attune: speaks to any Watson-compatible URL, and imports nothing of the service."""

from __future__ import annotations

VERSION = "0.2.0"
