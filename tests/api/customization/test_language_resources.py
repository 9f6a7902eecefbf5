"""Corpora, words and grammars over HTTP, analysed by the event function as the bucket announces them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chalicelib.customization import language_models, uploads
from chalicelib.customization.language import language_resources
from chalicelib.events import corpus_added
from chalicelib.storage import objects
from tests.api.calling import BROADBAND, Answer, Instance, assert_done, assert_error
from tests.events import recorded

FORM = {"Content-Type": "multipart/form-data; boundary=xyz"}
ABNF = b"#ABNF 1.0 UTF-8;\nlanguage en-US;\nmode voice;\nroot $order;\n$order = one (zorblax | tea);\n"


class Language:
    """A custom language model, called over HTTP."""

    def __init__(self, instance: Instance, **further: str) -> None:
        self.instance = instance
        fields = {"name": "menu", "base_model_name": BROADBAND, **further}
        self.id = instance("POST", "/customizations", fields).json["customization_id"]

    def __call__(self, method: str, path: str = "", document: Any = None, **options: Any) -> Answer:
        return self.instance(method, f"/customizations/{self.id}{path}", document, **options)

    @property
    def shown(self) -> Any:
        return self("GET").json

    def analyse(self, *, receives: int = 1) -> list[str]:
        """Let the event function have what the bucket would announce."""
        failed = []
        model = language_models.get(self.instance.owner, self.id)
        for row in uploads.of_model(language_resources.KIND, model):
            if row.status == "being_processed":
                key = language_resources.KIND.key_of(row)
                event = recorded.load("corpus_added", audio=key, receives=receives)
                failed += recorded.failed(corpus_added.handle(event, None))
        return failed

    def add(self, name: str, text: bytes) -> Any:
        answer = self("POST", f"/corpora/{name}", body=text, headers={"Content-Type": "text/plain"})
        assert (answer.status, answer.body) == (201, b"{}")
        assert self.analyse() == []
        return self("GET", f"/corpora/{name}").json


@pytest.fixture
def language(instance: Instance) -> Language:
    return Language(instance)


def _form(content: bytes, disposition: bytes = b'name="corpus_file"; filename="_"') -> bytes:
    head = (
        b"--xyz\r\nContent-Disposition: form-data; " + disposition + b"\r\nContent-Type: text/plain\r\n\r\n"
    )
    return head + content + b"\r\n--xyz--\r\n"


def test_a_corpus_is_analysed(language: Language) -> None:
    posted = language(
        "POST", "/corpora/monday", body=b"hello Zorblax\n", headers={"Content-Type": "text/plain"}
    )
    assert (posted.status, posted.body) == (201, b"{}")
    waiting = {
        "out_of_vocabulary_words": 0,
        "total_words": 0,
        "name": "monday",
        "status": "being_processed",
    }
    assert language("GET", "/corpora/monday").json == waiting
    assert language.shown["status"] == "pending"
    assert language.analyse() == []
    assert language("GET", "/corpora").json == {
        "corpora": [waiting | {"out_of_vocabulary_words": 1, "total_words": 2, "status": "analyzed"}]
    }
    assert language.shown["status"] == "ready"
    (word,) = language("GET", "/words").json["words"]
    assert (word["word"], word["count"], word["source"]) == ("Zorblax", 1, ["monday"])
    assert word["display_as"] == "Zorblax"
    assert word["pronunciation"]


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"tea or coffee", {"Content-Type": "application/x-www-form-urlencoded"}),
        (b"tea or coffee", {"Content-Type": "application/json"}),
        (_form(b"tea or coffee"), FORM),
        (_form(b"tea or coffee", b'name="corpus_file"'), FORM),
        (_form(b'{"data":"tea or coffee","contentType":"text/plain"}', b'name="corpus_file"'), FORM),
    ],
)
def test_every_form_of_upload(language: Language, body: bytes, headers: dict[str, str]) -> None:
    assert language("POST", "/corpora/drinks", body=body, headers=headers).status == 201
    assert language.analyse() == []
    assert language("GET", "/corpora/drinks").json["total_words"] == 3


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (b"one\ntwo \x00\x01 three\n", "Line 2"),
        ("good\nna\xefve".encode("latin-1"), "Line 2"),
        ("tea".encode("utf-16"), "Line 1"),
        (b"word " * 300_000, "Line 1"),
    ],
)
def test_a_bad_corpus_says_where(language: Language, text: bytes, line: str) -> None:
    corpus = language.add("bad", text)
    assert corpus["status"] == "undetermined"
    assert corpus["error"].startswith(
        "Analysis of corpus 'bad' failed. Please try adding the corpus again by setting the "
        f"'allow_overwrite' flag to 'true'. {line}"
    )
    assert language.shown["status"] == "pending"


def test_names(language: Language) -> None:
    def post(name: str, query: str = "") -> Answer:
        return language(
            "POST", f"/corpora/{name}{query}", body=b"tea", headers={"Content-Type": "text/plain"}
        )

    assert_error(post("base_lm"), 400, "Invalid value for corpus name 'base_lm': it is reserved")
    assert post("x" * 129).status == 400
    assert_error(language("GET", "/corpora/nothing"), 400, "Invalid value for corpus name 'nothing'")
    assert_error(language("DELETE", "/corpora/nothing"), 400, "Invalid value for corpus name 'nothing'")
    assert_error(
        language("POST", "/corpora/a", body=b"", headers={"Content-Type": "text/plain"}),
        400,
        "Corpus file not specified or empty",
    )
    assert post("a%20b%2Fc").status == 201
    locked = f"Customization '{language.id}' is currently locked to process your last request."
    assert_error(post("other"), 409, locked)
    assert_error(language("DELETE", "/corpora/a%20b%2Fc"), 409, locked)
    assert_error(language("POST", "/reset"), 409, locked)
    language.analyse()
    exists = (
        "Corpus 'a b/c' already exists. If you want to overwrite it, "
        "please set the flag 'allow_overwrite' to 'true'"
    )
    assert_error(post("a%20b%2Fc"), 400, exists)
    assert post("a%20b%2Fc", "?allow_overwrite=true").status == 201
    language.analyse()
    assert_done(language("DELETE", "/corpora/a%20b%2Fc"))
    assert language.shown["status"] == "pending"


def test_a_form_without_the_part(language: Language) -> None:
    posted = language("POST", "/corpora/a", body=_form(b"tea", b'name="other"'), headers=FORM)
    assert_error(posted, 400, "Corpus file not specified or empty")
    broken = language("POST", "/corpora/a", body=b"no form", headers=FORM)
    assert broken.status == 400
    assert "multipart" in broken.json["error"]


def test_grammars(language: Language) -> None:
    def post(body: bytes, content_type: str = "application/srgs", query: str = "") -> Answer:
        return language("POST", f"/grammars/orders{query}", body=body, headers={"Content-Type": content_type})

    assert post(ABNF, "text/plain").status == 415
    assert post(ABNF).status == 201
    assert language.analyse() == []
    assert language("GET", "/grammars").json == {
        "grammars": [{"out_of_vocabulary_words": 1, "name": "orders", "status": "analyzed"}]
    }
    assert language("GET", "/words?word_type=grammars").json["words"][0]["word"] == "zorblax"
    assert language("GET", "/words?word_type=corpora").json == {"words": []}
    assert post(b"#ABNF 1.0;\nroot $a;\n$a = (one;\n", query="?allow_overwrite=true").status == 201
    assert language.analyse() == []
    grammar = language("GET", "/grammars/orders").json
    assert grammar["status"] == "undetermined"
    assert "Please try fixing the error or adding the grammar again" in grammar["error"]
    assert "Line 3" in grammar["error"]
    error = json.loads(language.shown["error"])
    assert (error["code"], "Cannot compile grammar" in error["error"]) == (500, True)
    taken = language("POST", "/corpora/orders?allow_overwrite=true", body=b"tea")
    refusal = (
        "Grammar 'orders' already exists. A corpus cannot have its name: "
        "use another one, or delete the grammar first."
    )
    assert_error(taken, 400, refusal)
    assert_done(language("DELETE", "/grammars/orders"))


def test_a_batch_of_words(language: Language) -> None:
    batch = {
        "words": [
            {"word": "HHonors", "sounds_like": ["hilton honors", "H. honors"], "display_as": "HHonors"},
            {"word": "IEEE", "sounds_like": ["i triple e"]},
            {"word": "tomato", "sounds_like": ["75th tomato"]},
            {"word": "coffee"},
        ]
    }
    assert language("POST", "/words", batch).status == 201
    assert language.shown["status"] == "pending"
    assert language("POST", "/words", batch).status == 409
    assert language("PUT", "/words/tea", {}).status == 409
    assert language.analyse() == []
    assert language.shown["status"] == "ready"
    words = {word["word"]: word for word in language("GET", "/words?word_type=user").json["words"]}
    assert list(words) == ["HHonors", "IEEE", "coffee", "tomato"]
    assert words["HHonors"]["sounds_like"] == ["hilton honors", "H. honors"]
    assert len(words["HHonors"]["pronunciation"]) == 2
    assert (words["coffee"]["sounds_like"], words["coffee"]["display_as"]) == ([], "")
    assert words["coffee"]["source"] == ["user"]
    ((element, message),) = words["tomato"]["error"][0].items()
    assert element == "75th tomato"
    assert message.startswith("Numbers are not allowed in sounds_like. You can try for example '")


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"words": []},
        {"words": [{"sounds_like": ["x"]}]},
        {"words": [{"word": "two words"}]},
        {"words": [{"word": ""}]},
        {"words": [{"word": "x", "sounds_like": "x"}]},
        {"words": [{"word": "x", "display_as": 7}]},
        {"words": [{"word": "x", "display_as": "y" * 1001}]},
        {"words": [{"word": "x", "display_as": "two\nlines"}]},
        {"words": [{"word": "x", "sounds_like": ["y" * 1001]}]},
        {"words": [{"word": "x", "sounds_like": ["y"] * 21}]},
        {"words": ["x"]},
        {"words": [{"word": "x" * 129}]},
        {"words": [{"word": "fine"}, {"word": "<s>", "sounds_like": ["ess"]}]},
        {"words": [{"word": "</s>", "sounds_like": ["ess"]}]},
    ],
)
def test_a_batch_that_makes_no_sense_adds_nothing(language: Language, document: Any) -> None:
    assert language("POST", "/words", document).status == 400
    assert language("GET", "/words").json == {"words": []}
    assert language.shown["status"] == "pending"


def test_the_largest_word_can_be_kept(language: Language) -> None:
    largest = {"word": "\U0001d538" * 128, "display_as": "\U0001d538" * 1000}
    batch = {"words": [largest | {"sounds_like": ["\U0001d538" * 1000] * 20}]}
    assert language("POST", "/words", batch).status == 201
    assert language.analyse() == []
    (word,) = language("GET", "/words").json["words"]
    assert len(word["error"]) == 20
    put = language("PUT", "/words/x", {"sounds_like": ["zorb lax"], "display_as": largest["display_as"]})
    assert put.status == 201


def test_one_word_at_a_time(language: Language) -> None:
    put = language("PUT", "/words/%EF%BD%89a%2Fb", {"sounds_like": ["see a"], "display_as": "C/A"})
    assert (put.status, put.body) == (201, b"{}")
    assert language.shown["status"] == "ready"
    word = language("GET", "/words/%EF%BD%89a%2Fb").json
    assert (word["word"], word["display_as"], word["count"]) == ("ｉa/b", "C/A", 1)
    assert word["pronunciation"] == ["S IY AH"] or word["pronunciation"]
    refused = language("PUT", "/words/x", {"sounds_like": ["b" * 41]})
    assert refused.status == 400
    assert "40 characters" in refused.json["error"]
    assert language("GET", "/words/x").status == 404
    assert language("DELETE", "/words/x").status == 404
    assert_done(language("DELETE", "/words/%EF%BD%89a%2Fb"))
    assert language("GET", "/words").json == {"words": []}
    assert language.shown["status"] == "pending"


def test_a_deleted_word_of_a_corpus_stays_away_until_a_later_corpus(language: Language) -> None:
    language.add("one", b"the Zorblax")
    assert_done(language("DELETE", "/words/Zorblax"))
    assert language("GET", "/words").json == {"words": []}
    assert language.shown["status"] == "ready"
    language.add("two", b"the Zorblax of Zorblax")
    (word,) = language("GET", "/words").json["words"]
    assert (word["count"], word["source"]) == (2, ["two"])
    assert language("PUT", "/words/Zorblax", {"display_as": "ZORBLAX"}).status == 201
    (word,) = language("GET", "/words").json["words"]
    assert (word["display_as"], word["count"], word["source"]) == ("ZORBLAX", 3, ["one", "two", "user"])
    for corpus in ("one", "two"):
        assert_done(language("DELETE", f"/corpora/{corpus}"))
    (word,) = language("GET", "/words").json["words"]
    assert word["source"] == ["user"]


def test_one_word_of_many_is_found_without_the_others(
    language: Language, monkeypatch: pytest.MonkeyPatch
) -> None:
    language.add("one", b"zorblax and quuxly")
    for word in ("zorblax", "blorfy", "glimph"):
        assert language("PUT", f"/words/{word}", {}).status == 201
    listed = {word["word"]: word for word in language("GET", "/words").json["words"]}

    def all_of_them(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr("chalicelib.customization.language.language_words.of_user", all_of_them)
    assert {word: language("GET", f"/words/{word}").json for word in listed} == listed
    for word in listed:
        assert_done(language("DELETE", f"/words/{word}"))
        assert language("GET", f"/words/{word}").status == 404
    monkeypatch.undo()
    assert language("GET", "/words").json == {"words": []}


def test_order_of_words(language: Language) -> None:
    language.add("one", b"zorblax Quuxly quuxly quuxly 3zorb zorblax zorblax\n")

    def listed(query: str) -> list[str]:
        return [word["word"] for word in language("GET", f"/words{query}").json["words"]]

    upwards = sorted(listed(""))
    assert listed("") == listed("?sort=alphabetical") == listed("?sort=%2Balphabetical") == upwards
    assert listed("?sort=+alphabetical") == listed("?sort=%20alphabetical") == upwards
    assert listed("?sort=-alphabetical") == upwards[::-1]
    counts = {word["word"]: word["count"] for word in language("GET", "/words").json["words"]}
    assert listed("?sort=count") == sorted(upwards, key=lambda word: counts[word])
    assert listed("?sort=-count") == sorted(upwards, key=lambda word: -counts[word])
    assert language("GET", "/words?sort=size").status == 400
    assert language("GET", "/words?word_type=mine").status == 400


def test_limits(language: Language, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chalicelib.customization.limits.CUSTOM_WORDS", 2)
    language.add("one", b"zorblax quuxly")
    assert "out-of-vocabulary" in language.add("two", b"blorfy")["error"]
    monkeypatch.setattr("chalicelib.customization.limits.WORDS", 4)
    assert "more than" in language.add("three", b"tea and coffee")["error"]
    assert language("POST", "/words", {"words": [{"word": "glimph"}]}).status == 201
    language.analyse()
    assert "out-of-vocabulary" in language.shown["error"]
    assert language("GET", "/words/glimph").status == 404


def test_an_upload_that_cannot_be_stored_is_taken_back(
    language: Language, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr(objects, "put", full)
        assert language("POST", "/corpora/a", body=b"tea").status == 500
    assert language("GET", "/corpora").json == {"corpora": []}
    assert language.shown["status"] == "pending"


def test_what_fails_too_often_is_given_up(language: Language) -> None:
    assert language("POST", "/corpora/a", body=b"tea").status == 201
    model = language_models.get(language.instance.owner, language.id)
    (row,) = language_resources.of_model(model)
    objects.delete(language_resources.KIND.key_of(row).key)
    assert len(language.analyse()) == 1
    assert language.analyse(receives=5) == []
    assert corpus_added.GIVEN_UP in language("GET", "/corpora/a").json["error"]
    assert language("POST", "/words", {"words": [{"word": "tea"}]}).status == 201
    language.analyse(receives=5)
    assert language.shown["error"] == corpus_added.WORDS_GIVEN_UP
    assert language.shown["status"] == "pending"


def test_a_word_type_chooses_words_and_does_not_change_them(language: Language) -> None:
    language.add("menu", b"zorblax zorblax quuxly")
    assert language("PUT", "/words/zorblax", {"display_as": "Zorblax"}).status == 201
    assert language("PUT", "/words/blick", {}).status == 201
    (alone,) = (word for word in language("GET", "/words").json["words"] if word["word"] == "zorblax")
    assert (alone["count"], alone["source"]) == (2, ["menu", "user"])
    shown = {kind: language("GET", f"/words?word_type={kind}").json["words"] for kind in ("user", "corpora")}
    assert [word["word"] for word in shown["user"]] == ["blick", "zorblax"]
    assert [word["word"] for word in shown["corpora"]] == ["quuxly", "zorblax"]
    assert alone in shown["user"]
    assert alone in shown["corpora"]
    assert language("GET", "/words?word_type=grammars").json == {"words": []}


def test_misspelt_fields_of_words_are_noticed(language: Language) -> None:
    wrong = {"warnings": "Unexpected field(s) ['sound_like'] detected"}
    answer = language("PUT", "/words/aspirin", {"sound_like": ["as prin"]})
    assert (answer.status, answer.json) == (201, wrong)
    shown = language("GET", "/words/aspirin").json
    answer = language("POST", "/words", {"words": [{"word": "digoxin", "sound_like": []}, shown]})
    assert (answer.status, answer.json) == (201, wrong)
    assert language.analyse() == []
    answer = language("POST", "/words", {"words": [shown]})
    assert (answer.status, answer.json) == (201, {})


def test_what_is_shown_are_the_pronunciations_it_is_recognised_by(language: Language) -> None:
    assert language("PUT", "/words/tomato", {"sounds_like": ["toe mat oh"]}).status == 201
    said = language("GET", "/words/tomato").json["pronunciation"]
    assert said[0] == "T OW M AE T OW"
    assert {"T AH M EY T OW", "T AH M AA T OW"} <= set(said[1:])


@pytest.mark.parametrize("text", [b"...\n---\n", b'{"data": "Give digoxin now."}', b"[noise]"])
def test_a_corpus_without_words_is_no_data(language: Language, text: bytes) -> None:
    corpus = language.add("empty", text)
    assert corpus["status"] == "undetermined"
    assert "holds no words" in corpus["error"]
    assert language("POST", "/train?strict=false").status == 400
