"""A version of a custom acoustic model, as the model's row keeps it: what one training has left."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self


@dataclass(frozen=True)
class KeptVersion:
    """One version. Its artefact and its report lie under the keys of its run, see `storage.layout`."""

    version: int
    """Number of the run that has made it: the first version need not be 1, and numbers may be missing."""
    created: datetime
    base_version: str
    """That it was trained on."""
    sha256: str
    """Hex digest of the artefact."""
    size_bytes: int | None = None
    """Of the artefact; None: it was not noted, and so it is with the report's figures."""
    data_version: str | None = None
    """Of the model, when the training was planned."""
    helper: str | None = None
    """Custom language model that has helped; None: none has. So it is with its run."""
    helper_run: int | None = None
    figures: Mapping[str, Any] = field(default_factory=dict)
    """The few of the report that `customization.reports.training_result` reads."""
    removed: tuple[int, ...] = ()
    """Versions that went when this one came, because so many are kept and no more."""
    label: str | None = None
    """As its user calls it."""

    def to_text(self) -> str:
        """Return the JSON that `from_text` reads, without what is None or empty."""
        values = dataclasses.asdict(self) | {"created": self.created.isoformat()}
        return json.dumps({name: value for name, value in values.items() if value not in (None, (), {})})

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read what `to_text` returned; names that this program does not know are ignored."""
        read = json.loads(text)
        values = {one.name: read[one.name] for one in dataclasses.fields(cls) if one.name in read}
        values |= {
            "created": datetime.fromisoformat(values["created"]),
            "removed": tuple(values.get("removed", ())),
        }
        return cls(**values)


def unknown(customization_id: str, version: int, known: Collection[int]) -> str:
    """Return the sentence about a version that is not there, with those that are."""
    there = [str(number) for number in sorted(known, reverse=True)]
    if not there:
        return (
            f"Customization '{customization_id}' has no version {version}: it has none yet. Train it first."
        )
    listed = there[0] if len(there) == 1 else f"{', '.join(there[:-1])} and {there[-1]}"
    return f"Customization '{customization_id}' has no version {version}; it has {listed}."
