"""Copies custom language models: their words, and from local files their corpora and grammars."""

from __future__ import annotations

from typing import Any

from attune_cli.client import Service, path
from attune_cli.custom_models import LANGUAGE, shown
from attune_cli.errors import Busy, CommandError
from attune_cli.following import RUNNING
from attune_cli.screen import counted
from attune_cli.watson.account import parts
from attune_cli.watson.ledger import BROUGHT, FAILED, MISSING, Ledger, Model
from attune_cli.watson.local_files import CORPUS, GRAMMAR, LocalFiles

_BATCH = 500
_PAUSE_S = 0.3
_LONGEST_PAUSE_S = 3.0
_LIST = {CORPUS: ("corpora", "corpora"), GRAMMAR: ("grammars", "grammars")}


class ImportedLanguageModel:
    """What is brought of one custom language model."""

    def __init__(
        self, source: Service, target: Service, ledger: Ledger, model: Model, files: LocalFiles
    ) -> None:
        self._source = source
        self._target = target
        self._ledger = ledger
        self._model = model
        self._files = files

    def bring(self) -> None:
        """Bring all that can be had."""
        for kind in (CORPUS, GRAMMAR):
            self._resources(kind)
        if not self._model.words_complete:
            self._words()

    def _at(self, *parts: str) -> str:
        return path(LANGUAGE, self._model.target_id, *parts)

    def _resources(self, kind: str) -> None:
        folder, _ = _LIST[kind]
        for one in parts(self._source, LANGUAGE, self._model.source_id, folder):
            name = str(one["name"])
            if self._model.is_brought(kind, name):
                continue
            file = self._files.of(kind, name, self._model.name)
            if file is None:
                self._model.set(
                    kind, name, MISSING, "its text is not given back, and no local file has its name"
                )
            else:
                try:
                    content_type = "text/plain" if kind == CORPUS else _grammar_type(file.read_bytes())
                    self._send(folder, name, file.read_bytes(), content_type)
                    self._check(kind, folder, name)
                except (CommandError, OSError) as error:
                    if isinstance(error, CommandError) and error.code is None:
                        raise
                    self._model.set(kind, name, FAILED, str(error))
            self._ledger.keep()

    def _send(self, folder: str, name: str, text: bytes, content_type: str) -> None:
        """Send a text; in place of one of that name, which an earlier attempt has left."""
        answer = self._when_free(
            "POST",
            self._at(folder, name),
            query={"allow_overwrite": True},
            body=text,
            headers={"Content-Type": content_type},
            accepted={400},
        )
        if answer.status == 400:
            raise CommandError(str((answer.document or {}).get("error", "it is refused")), code=400)

    def _check(self, kind: str, folder: str, name: str) -> None:
        """Wait for the analysis of a corpus or grammar, and note how it went."""
        self._free()
        one = self._target.get(self._at(folder, name))
        if one["status"] == "analyzed":
            self._model.set(kind, name, BROUGHT)
        else:
            self._model.set(kind, name, FAILED, str(one.get("error") or f"it is {one['status']}"))

    def _words(self) -> None:
        """Bring the words that the user gave, and those of corpora and grammars that cannot be brought."""
        words = parts(self._source, LANGUAGE, self._model.source_id, "words")
        lost = {one.name for one in self._model.resources.values() if one.state != BROUGHT}
        wanted = [
            _word(one)
            for one in words
            if "user" in one.get("source", ()) or lost & set(one.get("source", ()))
        ]
        of_lost = sum(
            "user" not in one.get("source", ()) for one in words if lost & set(one.get("source", ()))
        )
        if of_lost:
            self._model.note(
                f"{counted(of_lost, 'word')} of missing corpora and grammars came along as custom words."
            )
        for start in range(self._model.words_brought, len(wanted), _BATCH):
            self._batch(wanted[start : start + _BATCH])
            self._model.words_brought = min(start + _BATCH, len(wanted))
            self._ledger.keep()
        self._model.words_complete = True
        self._ledger.keep()

    def _batch(self, words: list[dict[str, Any]]) -> None:
        answer = self._when_free("POST", self._at("words"), document={"words": words}, accepted={400})
        if answer.status == 400:
            for word in words:  # one that makes no sense keeps out the others
                self._one(word)
            return
        self._free()
        listed = self._target.get(self._at("words"), word_type="user")["words"]
        errors = {one["word"]: one["error"] for one in listed if one.get("error")}
        for word in words:
            if word["word"] in errors:
                self._model.words_failed[word["word"]] = _said(errors[word["word"]])

    def _one(self, word: dict[str, Any]) -> None:
        fields = {name: value for name, value in word.items() if name != "word"}
        answer = self._when_free(
            "PUT", self._at("words", word["word"]), document=fields, accepted={400, 404, 405}
        )
        if answer.status >= 400:
            self._model.words_failed[word["word"]] = str((answer.document or {}).get("error", answer.status))

    def _when_free(self, method: str, where: str, *, accepted: set[int], **request: Any) -> Any:
        """Ask the target, again when the model is at rest if it is busy."""
        while True:
            self._free()
            try:
                return self._target.call(method, where, accepted=frozenset(accepted), **request)
            except Busy:
                self._target.pause(_PAUSE_S)

    def _free(self) -> None:
        """Wait until the model takes in nothing."""
        pause_s = _PAUSE_S
        while True:
            model = shown(self._target, self._model.target_id, LANGUAGE)
            waiting = "analysis" in str(model.get("stage", ""))
            if model["status"] not in RUNNING and not waiting and not self._is_analysed():
                return
            self._target.pause(pause_s)
            pause_s = min(_LONGEST_PAUSE_S, 1.5 * pause_s)

    def _is_analysed(self) -> bool:
        return any(
            one["status"] == "being_processed"
            for folder, key in _LIST.values()
            for one in self._target.get(self._at(folder))[key]
        )


def _word(one: dict[str, Any]) -> dict[str, Any]:
    word = {"word": one["word"]}
    for name in ("sounds_like", "display_as"):
        if one.get(name):
            word[name] = one[name]
    return word


def _said(error: Any) -> str:
    if isinstance(error, list):
        return "; ".join(_said(one) for one in error)
    return (
        "; ".join(f"{name}: {text}" for name, text in error.items())
        if isinstance(error, dict)
        else str(error)
    )


def _grammar_type(text: bytes) -> str:
    return (
        "application/srgs+xml" if text.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<") else "application/srgs"
    )
