"""Parameters that the base version of a request cannot follow. Imports no engine and no NumPy."""

from __future__ import annotations

from chalicelib.engines import catalogue
from chalicelib.recognition.request.options import Options


def warnings(options: Options, base_version: str) -> tuple[str, ...]:
    """Return what the user should know when the written text is asked for and cannot be had."""
    if not options.written or catalogue.base_version(base_version).features.written_text:
        return ()
    served = catalogue.BASE_MODELS.get(catalogue.base_model_of_version(base_version).name)
    newest = None if served is None else served.newest_with("written_text")
    way_out = (
        "no other version that is served here does more"
        if newest is None
        else f"choose base_model_version={newest}, which writes"
    )
    return (f"written has no effect: version {base_version} gives spoken words only; {way_out}.",)
