"""The report of an import in Markdown: what was copied, what was not, and what to do about it."""

from __future__ import annotations

from attune_cli.watson.ledger import BROUGHT, FAILED, MISSING, Ledger, Model

_NEVER = """## What no import can bring

- **Trained state.** The API gives back no trained model. Train each model again, as the commands below do.
- **Audio, and the texts of corpora and grammars.** The API gives back their names only. They come
  from local files of the same name; those without one are listed above.
- **Base model versions, the date of creation, the weight of a language model, and registered callbacks.**
- **Recognition jobs and their results.** Fetch those that you still need from the source.
"""


def markdown(ledger: Ledger) -> str:
    """Return the report."""
    models = list(ledger.models.values())
    lines = [
        "# What was brought",
        "",
        f"From {ledger.source} to {ledger.target}."
        + ("" if ledger.complete else " The import is not finished: run the same command again."),
        "",
        "| model | kind | base | id at the source | id here | words | corpora, grammars, audio |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [_row(model) for model in models] or ["| none | | | | | | |"]
    lines += ["", *_missing(models), _NEVER, "## Next", ""]
    trainable = [model for model in models if model.target_id]
    if trainable:
        lines += ["```sh"]
        for model in trainable:
            kind = " --language-model" if model.kind == "language" else ""
            lines.append(f"attune train {model.target_id}{kind} --watch")
        lines += ["```", ""]
    return "\n".join(lines)


def left(ledger: Ledger) -> int:
    """Return how many things could not be brought."""
    return sum(
        bool(model.problem)
        + len(model.words_failed)
        + sum(one.state != BROUGHT for one in model.resources.values())
        for model in ledger.models.values()
    )


def _row(model: Model) -> str:
    brought = sum(one.state == BROUGHT for one in model.resources.values())
    words = str(model.words_brought) if model.kind == "language" else ""
    cells = [model.name, model.kind, model.base, model.source_id, model.target_id or "not made", words]
    return f"| {' | '.join(_cell(cell) for cell in cells)} | {brought} of {len(model.resources)} |"


def _missing(models: list[Model]) -> list[str]:
    lines: list[str] = []
    for model in models:
        own = [f"- The model was not made: {model.problem}"] if model.problem else []
        own += [f"- {note}" for note in model.notes]
        for state, words in ((MISSING, "not brought"), (FAILED, "refused")):
            own += [
                f"- {one.kind} `{one.name}` {words}: {one.note}"
                for one in model.resources.values()
                if one.state == state
            ]
        own += [f"- word `{word}`: {reason}" for word, reason in model.words_failed.items()]
        if own:
            lines += [f"### {model.name} ({model.kind})", "", *own, ""]
    return (
        ["## What could not be brought", "", *lines]
        if lines
        else ["Everything that has a name was brought.", ""]
    )


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
