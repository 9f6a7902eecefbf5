"""Which recordings of a custom model a comparison without transcripts is made on."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass

from chalicelib.customization import acoustic_models
from chalicelib.customization.acoustic import audio_resources
from chalicelib.evaluation.errors import EvaluationRefused
from chalicelib.storage import layout, objects
from chalicelib.storage.tables import AcousticModel, AudioResource

_NO_HELD_OUT = (
    "This model's last training did not note which sentences it held out. Train it again, or compare chosen "
    'recordings: "audio": {"acoustic_customization_id": …, "audio_names": […]}.'
)


@dataclass(frozen=True)
class ChosenAudio:
    """Which recordings of a custom model."""

    customization_id: str
    held_out: bool
    """Only the sentences by which its last training was judged."""
    names: tuple[str, ...] = ()
    """Of audio resources; none: all of them."""

    def to_json(self) -> str:
        """Return what `from_json` reads."""
        return json.dumps({"held_out": self.held_out, "names": self.names})

    @classmethod
    def from_json(cls, customization_id: str, text: str) -> ChosenAudio:
        """Read what `to_json` returned."""
        fields = json.loads(text)
        return cls(customization_id, fields["held_out"], tuple(fields["names"]))


Place = tuple[float, float]
"""Start and end in a recording, in seconds."""


def resources(owner: str, chosen: ChosenAudio) -> list[AudioResource]:
    """Return the audio that is meant, at least one.

    Raises:
        customization.errors.UnknownCustomModel, MalformedId, UnknownResource: see there.
        EvaluationRefused: there is none that can be used.
    """
    model = acoustic_models.get(owner, chosen.customization_id)
    if chosen.held_out:
        names = {name for name, _ in held_out(model)}
        rows = [row for row in audio_resources.of_model(model) if row.audio_name in names]
    elif chosen.names:
        rows = [audio_resources.get(model, name) for name in dict.fromkeys(chosen.names)]
    else:
        rows = audio_resources.of_model(model)
    usable = [row for row in rows if row.status == audio_resources.OK]
    if not usable:
        raise EvaluationRefused(
            "The model has none of this audio any more, or it is not valid. GET …/audio lists what it has."
        )
    return usable


def held_out(model: AcousticModel) -> dict[tuple[str, str | None], list[Place]]:
    """Return the places by which the last successful training was judged, by resource and member.

    Raises:
        EvaluationRefused: nobody knows them.
    """
    try:
        run = int(model.promoted_run or 0)
        report = json.loads(objects.get(layout.report_key(model.owner, model.customization_id, run)))
    except objects.ObjectNotFound:
        raise EvaluationRefused(_NO_HELD_OUT) from None
    found: dict[tuple[str, str | None], list[Place]] = defaultdict(list)
    for one in report.get("held_out_utterances", ()):
        found[one["audio_name"], one["member"]].append((one["start_s"], one["end_s"]))
    if not found:
        raise EvaluationRefused(_NO_HELD_OUT)
    return found
