"""The results of an evaluation as a picture that can be read aloud: SVG, without anything from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

_WIDTH = 720
_ROW = 56
_TOP = 64
_LEFT = 16
_BARS = 688
"""All in pixels."""
_MOST_LABEL = 70
_STYLE = (
    "text{font:14px system-ui,sans-serif;fill:#1a1a1a}.h{font-weight:600;font-size:16px}"
    ".b{fill:#7db2e2}.i{stroke:#1a1a1a;stroke-width:2}.g{fill:#e4e8ec}.p{fill:#fff}"
    "@media(prefers-color-scheme:dark){text{fill:#f0f0f0}.b{fill:#2f6fab}.i{stroke:#f0f0f0}"
    ".g{fill:#3a4047}.p{fill:#16191d}}"
)


@dataclass(frozen=True)
class _PictureBar:
    label: str
    share: float
    """0…1 of the whole width."""
    shown: str
    interval: tuple[float, float] | None = None


def drawn(results: Mapping[str, Any], name: str) -> bytes:
    """Return the picture of an evaluation's results.

    Args:
        results: as a client sees them.
        name: of the evaluation.
    """
    if "sentences" in results:
        return _drawn(
            name,
            "Mean confidence, 0 to 1. It does not say who is right.",
            _confidences(results),
            results["words"],
        )
    unit = results["unit"]
    title = f"{unit.capitalize()} wrong, with the range of 95 % of sets like this one"
    return _drawn(name, title, _rates(results), results["words"])


def _rates(results: Mapping[str, Any]) -> list[_PictureBar]:
    highest = max(max(model["interval"][1], model["word_error_rate"]) for model in results["models"])
    scale = max(highest, 0.01)
    return [
        _PictureBar(
            model["label"],
            model["word_error_rate"] / scale,
            f"{model['word_error_rate']:.1%} ({model['interval'][0]:.1%} to {model['interval'][1]:.1%})",
            (model["interval"][0] / scale, model["interval"][1] / scale),
        )
        for model in results["models"]
    ]


def _confidences(results: Mapping[str, Any]) -> list[_PictureBar]:
    return [
        _PictureBar(
            model["label"],
            model["confidence"] or 0.0,
            "no words" if model["confidence"] is None else f"{model['confidence']:.2f}",
        )
        for model in results["models"]
    ]


def _drawn(name: str, title: str, bars: Sequence[_PictureBar], words: Sequence[str]) -> bytes:
    name = name or "Evaluation"
    height = _TOP + _ROW * len(bars) + 8
    told = " ".join([*(f"{bar.label}: {bar.shown}." for bar in bars), *words])
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" '
        f'viewBox="0 0 {_WIDTH} {height}" role="img" aria-labelledby="t d">',
        f'<title id="t">{_text(f"{name}: {title}")}</title><desc id="d">{_text(told)}</desc>',
        f'<style>{_STYLE}</style><rect class="p" width="{_WIDTH}" height="{height}"/>',
        f'<text class="h" x="{_LEFT}" y="26">{_text(_short(name))}</text>',
        f'<text x="{_LEFT}" y="48">{_text(title)}</text>',
    ]
    for place, bar in enumerate(bars):
        top = _TOP + _ROW * place
        parts += [
            f'<text x="{_LEFT}" y="{top + 14}">{_text(_short(bar.label))}</text>',
            f'<text x="{_LEFT + _BARS}" y="{top + 14}" text-anchor="end">{_text(bar.shown)}</text>',
            f'<rect class="g" x="{_LEFT}" y="{top + 22}" width="{_BARS}" height="18"/>',
            f'<rect class="b" x="{_LEFT}" y="{top + 22}" width="{_BARS * bar.share:.1f}" height="18"/>',
        ]
        if bar.interval is not None:
            low, high = (_LEFT + _BARS * end for end in bar.interval)
            parts.append(
                f'<path class="i" d="M{low:.1f} {top + 31}H{high:.1f}M{low:.1f} {top + 25}v12'
                f'M{high:.1f} {top + 25}v12"/>'
            )
    return "".join([*parts, "</svg>"]).encode()


def _short(text: str) -> str:
    return text if len(text) <= _MOST_LABEL else f"{text[: _MOST_LABEL - 1]}…"


def _text(text: str) -> str:
    """Return text as it stands in XML, without signs that XML cannot have."""
    return escape("".join(sign for sign in text if sign.isprintable()))
