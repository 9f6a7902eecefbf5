"""Query parameters and JSON fields: read, or refused with a 400 that names them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.api.http import parameters
from chalicelib.api.http.calls import Call
from chalicelib.api.http.errors import BadRequest

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)
NAMES = st.sampled_from(["name", "other"])


def call(query: dict[str, tuple[str, ...]] | None = None, headers: dict[str, str] | None = None) -> Call:
    return Call("GET", "/v1/x", headers or {}, query or {}, {}, b"", "http://localhost", "t")


@given(st.binary(max_size=200))
def test_any_body_is_an_object_or_refused(body: bytes) -> None:
    try:
        value = parameters.json_object(body)
    except BadRequest as error:
        assert error.status == 400
        assert error.message.startswith("The body of the request ")
    else:
        assert isinstance(value, dict)


@given(JSON)
def test_only_objects_are_taken(value: Any) -> None:
    body = json.dumps(value).encode()
    if isinstance(value, dict):
        assert parameters.json_object(body) == value
    else:
        with pytest.raises(BadRequest, match="must be a JSON object"):
            parameters.json_object(body)


@pytest.mark.parametrize(
    "body",
    [b"NaN", b'{"a": Infinity}', b"[" * 200_000, b'{"a": ' + b"1" * 5000 + b"}", b'{"a": 1} x', b"\xef\xbb"],
)
def test_json_that_is_none_is_refused(body: bytes) -> None:
    with pytest.raises(BadRequest, match="not valid JSON"):
        parameters.json_object(body)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"a": ' + b"1" * 5000 + b"}", "too many digits"),
        (b'{"name": "caf\xe9"}', "byte 13 is not UTF-8"),
        (b'{"a": NaN}', "NaN is not a number in JSON"),
        (b'{"a": 1,}', "column 9"),
    ],
)
def test_what_is_wrong_with_json_is_told_to_its_writer(body: bytes, words: str) -> None:
    with pytest.raises(BadRequest) as refused:
        parameters.json_object(body)
    assert words in refused.value.message
    assert "sys." not in refused.value.message


@pytest.mark.parametrize("body", [b"", b"  \r\n", b"{}"])
def test_no_body_is_an_empty_object(body: bytes) -> None:
    assert parameters.json_object(body) == {}


@given(st.dictionaries(NAMES, JSON))
def test_required_text_is_text_with_something_in_it(fields: dict[str, Any]) -> None:
    try:
        value = parameters.required_text(fields, "name", 50)
    except BadRequest as error:
        assert "'name'" in error.message
    else:
        assert value == fields["name"]
        assert value.strip()
        assert len(value) <= 50


@given(st.dictionaries(NAMES, JSON))
def test_optional_text_may_be_missing(fields: dict[str, Any]) -> None:
    try:
        value = parameters.optional_text(fields, "name", 50)
    except BadRequest:
        assert not isinstance(fields["name"], str) or len(fields["name"]) > 50
    else:
        assert value == fields.get("name")


@given(st.dictionaries(NAMES, JSON))
def test_optional_numbers_are_in_their_range(fields: dict[str, Any]) -> None:
    try:
        value = parameters.optional_number(fields, "name", 1, 10)
    except BadRequest as error:
        assert error.message == "Invalid value for parameter 'name': it must be a number from 1 to 10."
    else:
        assert value is None or 1 <= value <= 10
        assert value == fields.get("name")


@pytest.mark.parametrize(
    ("values", "meant"),
    [
        (("true",), True),
        (("TRUE",), True),
        (("False",), False),
        (("false", "true"), True),
        (("",), None),
    ],
)
def test_booleans(values: tuple[str, ...], meant: bool | None) -> None:
    for default in (True, False):
        read = parameters.boolean(call({"strict": values}), "strict", default=default)
        assert read is (default if meant is None else meant)
        assert parameters.boolean(call(), "strict", default=default) is default


@given(st.text(min_size=1).filter(lambda text: text.lower() not in ("true", "false")))
def test_other_words_are_no_booleans(text: str) -> None:
    with pytest.raises(BadRequest, match="'strict': it must be 'true' or 'false'"):
        parameters.boolean(call({"strict": (text,)}), "strict", default=True)


def test_the_warning_names_what_nobody_knows() -> None:
    query = {"language": ("en-US",), "x": ("1",), "y": ("2", "3")}
    sentence = "Unexpected query parameter(s) ['x', 'y'] detected"
    assert parameters.warning(call(query), known={"language"}) == sentence
    assert parameters.warning(call({"language": ("x",)}), known={"language"}) is None
    assert parameters.warning(call()) is None


@pytest.mark.parametrize(
    ("header", "label"),
    [(None, None), ("", None), ("  ", None), ("customer_id=a", "a"), (" customer_id= a b ; ", "a b")],
)
def test_customer_ids(header: str | None, label: str | None) -> None:
    headers = {} if header is None else {"x-watson-metadata": header}
    assert parameters.customer_id(call(headers=headers)) == label


@pytest.mark.parametrize(
    "header", ["customer_id=a" + " " * 60_000 + "=", "customer_id=" + " " * 60_000, " " * 60_000 + "x"]
)
@pytest.mark.timeout(60)
def test_a_header_full_of_spaces_is_refused_at_once(header: str) -> None:
    with pytest.raises(BadRequest, match="X-Watson-Metadata"):
        parameters.customer_id(call(headers={"x-watson-metadata": header}))
