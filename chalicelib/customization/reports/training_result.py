"""What a training has gained: a few figures in the model's row, and plain words."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from chalicelib.customization.reports import report_figures as figures
from chalicelib.customization.reports.report_figures import Figures


@dataclass(frozen=True)
class TrainingResult:
    """Figures of a report. Those that it lacks are None."""

    decision: str | None = None
    """`base`: the base is kept; see the report."""
    alpha: float | None = None
    """Share of what was learned that serves, 0…1."""
    sure_before: float | None = None
    """How sure the base model is of its words in audio that nothing was learned from, 0…1."""
    sure_after: float | None = None
    """The same of what was chosen."""
    utterances: int | None = None
    """Of that audio."""
    changed: int | None = None
    """How many of these are heard otherwise than by the base model."""

    @classmethod
    def of_report(cls, report: Figures) -> Self:
        """Return the figures of a report."""
        held_out = figures.part(report, "held_out")
        before, after = (
            figures.number(figures.part(held_out, side), "mean_posterior") for side in ("before", "after")
        )
        changed = figures.number(held_out, "changed")
        return cls(
            figures.text(report, "decision"),
            figures.number(report, "alpha"),
            before,
            after,
            _whole(figures.number(held_out, "utterances")),
            _whole(_changed(report) if changed is None else changed),
        )

    @classmethod
    def from_figures(cls, read: Mapping[str, Any]) -> Self:
        """Read what `to_figures` returned; names that this program does not know are ignored."""
        return cls(**{one.name: read[one.name] for one in dataclasses.fields(cls) if one.name in read})

    def to_figures(self) -> dict[str, Any]:
        """Return what there is, as JSON."""
        return {name: value for name, value in dataclasses.asdict(self).items() if value is not None}

    @property
    def words(self) -> str | None:
        """What came of it, in sentences; None: nobody knows."""
        return " ".join(self._sentences()) if self.decision else None

    def _sentences(self) -> Iterable[str]:
        kept_base = self.decision == figures.KEPT_BASE
        if kept_base:
            yield "What was learned is not used, so the model recognises exactly as its base model."
        else:
            all_of_it = self.alpha is None or self.alpha == 1
            share = (
                "What was learned" if all_of_it else f"{figures.percent(self.alpha or 0)} of what was learned"
            )
            yield f"{share} is used."
        if self.sure_before is not None and self.sure_after is not None:
            before, after = figures.apart(self.sure_before, self.sure_after)
            learned = "with what was learned it was" if kept_base else "the model is"
            yield (
                f"Of words in audio that it did not learn from, {learned} {after} sure; the base model was "
                f"{before} sure."
            )
        if not kept_base and self.changed is not None and self.utterances:
            are = "is" if self.changed == 1 else "are"
            yield (
                f"{self.changed} of {figures.count(self.utterances, 'utterance')} of that audio {are} heard "
                "otherwise than by the base model."
            )


def _changed(report: Figures) -> float | None:
    """Return what is said of the share that was chosen."""
    for entry in figures.entries(report, "candidates"):
        if isinstance(entry, Mapping) and entry.get("accepted") is True:
            return figures.number(figures.part(entry, "hearing"), "changed")
    return None


def _whole(number: float | None) -> int | None:
    return None if number is None else round(number)
