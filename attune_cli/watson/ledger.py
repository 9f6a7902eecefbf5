"""What was copied from an account so far: an import goes on from it, and makes its report from it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from attune_cli.configuration import write_private
from attune_cli.errors import CommandError

FORM = 1

BROUGHT = "brought"
MISSING = "missing"
FAILED = "failed"


@dataclass
class Resource:
    """A corpus, grammar or audio resource; `state`: BROUGHT, MISSING (no local file) or FAILED."""

    kind: str
    name: str
    state: str
    note: str = ""


@dataclass
class Model:
    """A custom model of the source, and what became of it."""

    kind: str
    source_id: str
    name: str
    base: str
    source_status: str
    target_id: str = ""
    problem: str = ""
    notes: list[str] = field(default_factory=list)
    words_brought: int = 0
    words_complete: bool = False
    words_failed: dict[str, str] = field(default_factory=dict)
    resources: dict[str, Resource] = field(default_factory=dict)

    def note(self, text: str) -> None:
        """Note something once."""
        if text not in self.notes:
            self.notes.append(text)

    def set(self, kind: str, name: str, state: str, note: str = "") -> None:
        """Note what became of a resource."""
        self.resources[f"{kind}/{name}"] = Resource(kind, name, state, note)

    def is_brought(self, kind: str, name: str) -> bool:
        """Tell whether a resource is at the target."""
        known = self.resources.get(f"{kind}/{name}")
        return known is not None and known.state == BROUGHT


class Ledger:
    """All models, in a JSON file that is written after every step."""

    def __init__(self, file: Path, source: str, target: str) -> None:
        self.file = file
        self.source = source
        self.target = target
        self.models: dict[str, Model] = {}
        self.complete = False
        if file.exists():
            self._read()

    def model(self, kind: str, source: dict[str, Any]) -> Model:
        """Return what is known of a model of the source; at first, that there is one."""
        source_id = str(source["customization_id"])
        if source_id not in self.models:
            self.models[source_id] = Model(
                kind, source_id, str(source["name"]), str(source["base_model_name"]), str(source["status"])
            )
        return self.models[source_id]

    def keep(self) -> None:
        """Write everything down."""
        document = {
            "form": FORM,
            "source": self.source,
            "target": self.target,
            "complete": self.complete,
            "models": [asdict(model) for model in self.models.values()],
        }
        write_private(self.file, document)

    def _read(self) -> None:
        try:
            document = json.loads(self.file.read_text())
            if document["form"] != FORM or (document["source"], document["target"]) != (
                self.source,
                self.target,
            ):
                raise CommandError(
                    f"{self.file} is the report of another import.",
                    "Give this one another name: --report NAME",
                )
            for fields in document["models"]:
                resources = {key: Resource(**one) for key, one in fields.pop("resources").items()}
                self.models[fields["source_id"]] = Model(**fields, resources=resources)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise CommandError(
                f"{self.file} cannot be read as the report of an import: {error}.",
                "Give this import another name: --report NAME",
            ) from None
