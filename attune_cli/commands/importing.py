"""`attune import-watson`: copies the custom models of a Watson-compatible account."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from attune_cli import configuration, custom_models
from attune_cli.client import LONG_PATIENCE_S, Service, path
from attune_cli.configuration import Credentials
from attune_cli.custom_models import ACOUSTIC, LANGUAGE
from attune_cli.errors import CommandError, NothingFound, Partly, WrongUsage
from attune_cli.invocation import Invocation, invoked
from attune_cli.screen import Screen, counted
from attune_cli.watson import account, acoustic, report
from attune_cli.watson.language import ImportedLanguageModel
from attune_cli.watson.ledger import Ledger, Model
from attune_cli.watson.local_files import LocalFiles

SOURCE_KEY_VARIABLE = "WATSON_API_KEY"


@click.command("import-watson")
@click.option(
    "--from",
    "source_url",
    required=True,
    metavar="URL",
    help="The account's URL, with /instances/… if it has one.",
)
@click.option(
    "--from-key",
    metavar="KEY",
    help=f"Its API key; {SOURCE_KEY_VARIABLE} keeps it out of lists of processes.",
)
@click.option("--from-key-file", type=click.Path(exists=True, dir_okay=False), help="A file that holds it.")
@click.option(
    "--from-certificate", type=click.Path(exists=True, dir_okay=False), help="The certificate to trust there."
)
@click.option(
    "--files",
    "folders",
    multiple=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder with audio, corpora and grammars, found by their names; may be given again.",
)
@click.option(
    "--base", "bases", multiple=True, metavar="OLD=NEW", help="Make models of one base model on another one."
)
@click.option("--list", "only_list", is_flag=True, help="Show what the account has; nothing is brought.")
@click.option(
    "--report",
    "report_name",
    default="watson-import",
    show_default=True,
    type=click.Path(path_type=Path),
    help="Where the report goes, as .md and .json; the next run goes on from it.",
)
@invoked
def import_watson(
    invocation: Invocation,
    *,
    source_url: str,
    from_key: str | None,
    from_key_file: str | None,
    from_certificate: str | None,
    folders: tuple[Path, ...],
    bases: tuple[str, ...],
    only_list: bool,
    report_name: Path,
) -> None:
    """Bring custom models from a Watson account, or from any service with its API.

    Models, custom words and the names of everything come over the API. It gives back no audio, no
    corpora and no grammars: those are taken from local files of the same name, whatever their suffix
    (see --files). Nothing is changed at the source. After a break the same command goes on.
    """
    key = from_key or os.environ.get(SOURCE_KEY_VARIABLE)
    if from_key_file:
        key = Path(from_key_file).read_text().strip()
    if not key:
        raise WrongUsage(
            "The key of the account is not given.",
            f"Set {SOURCE_KEY_VARIABLE}, or give --from-key-file FILE.",
        )
    credentials = Credentials(configuration.base_url(source_url), key, from_certificate or "")
    source = Service(credentials, patience_s=LONG_PATIENCE_S, say=invocation.screen.note)
    if only_list:
        found = account.contents(source)
        invocation.screen.show({"models": found}, account.told(found))
        return
    target = invocation.service(LONG_PATIENCE_S)
    if (credentials.url, key) == (target.credentials.url, target.credentials.key):
        raise WrongUsage(
            "Source and target are the same account.", "Sign in at the target first: attune login"
        )
    ledger = Ledger(
        report_name.with_name(f"{report_name.name}.json"), credentials.url, target.credentials.url
    )
    page = report_name.with_name(f"{report_name.name}.md")
    try:
        _Import(
            source,
            target,
            ledger,
            files=LocalFiles.below(folders),
            bases=_mapping(bases),
            screen=invocation.screen,
        ).run()
    finally:
        ledger.keep()
        page.write_text(report.markdown(ledger))
    made = sum(bool(model.target_id) for model in ledger.models.values())
    left = report.left(ledger)
    invocation.screen.show(
        {"report": str(page), "state": str(ledger.file), "models": made, "not_brought": left},
        f"{counted(made, 'model')} brought. The report is {page}; it says what to do next.",
    )
    if left:
        raise Partly(
            f"{counted(left, 'thing')} could not be brought.", f"{page} names each, with the reason."
        )


class _Import:
    """One run."""

    def __init__(
        self,
        source: Service,
        target: Service,
        ledger: Ledger,
        *,
        files: LocalFiles,
        bases: dict[str, str],
        screen: Screen,
    ) -> None:
        self._source = source
        self._target = target
        self._ledger = ledger
        self._files = files
        self._bases = bases
        self._screen = screen

    def run(self) -> None:
        """Bring one model after the other, language models first."""
        for kind, name in ((LANGUAGE, "language"), (ACOUSTIC, "acoustic")):
            for listed in custom_models.listed(self._source, kind):
                model = self._ledger.model(name, listed)
                self._screen.note(f"{model.name} ({name}) …")
                self._make(kind, model, listed)
                if not model.target_id:
                    continue
                if kind == LANGUAGE:
                    ImportedLanguageModel(
                        self._source, self._target, self._ledger, model, self._files
                    ).bring()
                else:
                    acoustic.bring(
                        self._source,
                        self._target,
                        self._ledger,
                        model,
                        files=self._files,
                        screen=self._screen,
                    )
        self._ledger.complete = True

    def _make(self, kind: str, model: Model, listed: dict[str, Any]) -> None:
        """Make the model at the target, unless it is there."""
        if model.target_id:
            try:
                self._target.get(path(kind, model.target_id))
            except NothingFound:
                model.target_id, model.words_brought, model.words_complete = "", 0, False
                model.resources.clear()
                model.note("It was deleted here after an earlier import, and made again.")
            else:
                return
        base = self._bases.get(model.base, model.base)
        fields = {"name": model.name, "base_model_name": base, "description": listed.get("description", "")}
        if kind == LANGUAGE and str(listed.get("language", "")).startswith("es") and listed.get("dialect"):
            fields["dialect"] = listed["dialect"]
        taken = {one.target_id for one in self._ledger.models.values()}
        for one in custom_models.listed(self._target, kind):
            same = all(
                one.get(field) == fields[field] for field in ("name", "base_model_name", "description")
            )
            if same and one["customization_id"] not in taken:
                model.target_id = one["customization_id"]
                model.note("A model with this name, base and description was here already, and was filled.")
        model.problem = ""
        if not model.target_id:
            try:
                model.target_id = custom_models.created(self._target, fields, kind)["customization_id"]
            except CommandError as error:
                if error.code != 400:
                    raise
                model.problem = f"{error} Or make it on another base: --base {base}=en-US_BroadbandModel"
        if base != model.base:
            model.note(f"It was made on {base} in place of {model.base}.")
        self._ledger.keep()


def _mapping(bases: tuple[str, ...]) -> dict[str, str]:
    pairs = {}
    for text in bases:
        old, equals, new = text.partition("=")
        if not (old and equals and new):
            raise WrongUsage(
                f"{text!r} is no OLD=NEW.", "For instance --base en-GB_BroadbandModel=en-US_BroadbandModel"
            )
        pairs[old] = new
    return pairs


COMMANDS = (import_watson,)
