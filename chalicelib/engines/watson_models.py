"""The languages and base models that Watson had, by name: what a network that knows a language can serve."""

from __future__ import annotations

from dataclasses import dataclass

NARROWBAND_HZ, BROADBAND_HZ = 8_000, 16_000
BANDS = {"BroadbandModel": BROADBAND_HZ, "NarrowbandModel": NARROWBAND_HZ}
"""How names end, and the lowest sampling rate of recordings."""
US_ENGLISH = "en-US"


@dataclass(frozen=True)
class WatsonLanguage:
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
        WatsonLanguage("ar-MS", "Modern Standard Arabic"),
        WatsonLanguage("de-DE", "German"),
        WatsonLanguage("en-AU", "Australian English"),
        WatsonLanguage("en-GB", "United Kingdom English"),
        WatsonLanguage(US_ENGLISH, "US English"),
        WatsonLanguage("es-AR", "Argentinian Spanish"),
        WatsonLanguage("es-CL", "Chilean Spanish"),
        WatsonLanguage("es-CO", "Colombian Spanish"),
        WatsonLanguage("es-ES", "Castilian Spanish"),
        WatsonLanguage("es-MX", "Mexican Spanish"),
        WatsonLanguage("es-PE", "Peruvian Spanish"),
        WatsonLanguage("fr-CA", "Canadian French"),
        WatsonLanguage("fr-FR", "French"),
        WatsonLanguage("it-IT", "Italian"),
        WatsonLanguage("ja-JP", "Japanese"),
        WatsonLanguage("ko-KR", "Korean"),
        WatsonLanguage("nl-NL", "Dutch"),
        WatsonLanguage("pt-BR", "Brazilian Portuguese"),
        WatsonLanguage("zh-CN", "Mandarin Chinese"),
    )
}


def language_of(model: str) -> WatsonLanguage | None:
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
