"""The languages and base models that Watson had, by name: what a network that knows a language can serve."""

from __future__ import annotations

from dataclasses import dataclass

NARROWBAND_HZ, BROADBAND_HZ = 8_000, 16_000
BANDS = {"BroadbandModel": BROADBAND_HZ, "NarrowbandModel": NARROWBAND_HZ}
"""How names end, and the lowest sampling rate of recordings."""
US_ENGLISH = "en-US"


@dataclass(frozen=True)
class Language:
    """A language, or a dialect, as Watson names it."""

    tag: str
    """E.g. `pt-BR`."""
    adjective: str
    """In descriptions, as in "Brazilian Portuguese broadband model."."""

    @property
    def code(self) -> str:
        """The language without its dialect: what networks know, e.g. `pt`."""
        return self.tag.partition("-")[0]

    @property
    def models(self) -> tuple[str, ...]:
        """The names of its base models."""
        return tuple(f"{self.tag}_{band}" for band in BANDS)


LANGUAGES = {
    language.tag: language
    for language in (
        Language("ar-MS", "Modern Standard Arabic"),
        Language("de-DE", "German"),
        Language("en-AU", "Australian English"),
        Language("en-GB", "United Kingdom English"),
        Language(US_ENGLISH, "US English"),
        Language("es-AR", "Argentinian Spanish"),
        Language("es-CL", "Chilean Spanish"),
        Language("es-CO", "Colombian Spanish"),
        Language("es-ES", "Castilian Spanish"),
        Language("es-MX", "Mexican Spanish"),
        Language("es-PE", "Peruvian Spanish"),
        Language("fr-CA", "Canadian French"),
        Language("fr-FR", "French"),
        Language("it-IT", "Italian"),
        Language("ja-JP", "Japanese"),
        Language("ko-KR", "Korean"),
        Language("nl-NL", "Dutch"),
        Language("pt-BR", "Brazilian Portuguese"),
        Language("zh-CN", "Mandarin Chinese"),
    )
}


def language_of(model: str) -> Language | None:
    """Return the language of a base model that Watson's names allow; None for any other name."""
    tag, _, band = model.partition("_")
    return LANGUAGES.get(tag) if band in BANDS else None


def least_rate_hz(model: str) -> int:
    """Return the lowest sampling rate that a base model of such a name accepts."""
    return BANDS[model.partition("_")[2]]


def description(model: str) -> str:
    """Return what `GET /v1/models` says of a base model of such a name."""
    tag, _, band = model.partition("_")
    return f"{LANGUAGES[tag].adjective} {band.removesuffix('Model').lower()} model."
