"""The one reader of JSON objects: what it takes, what it refuses, and how it names the place."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from debpress.errors import Code, ConfigError, RejectedError
from debpress.findings import Findings
from debpress.manifest.fields import Fields
from debpress.strict import ObjectReader, loads

LOWER = re.compile(r"[a-z]+")


def test_what_is_there_is_taken_and_what_is_not_has_its_default() -> None:
    read = ObjectReader(
        {"t": "x", "n": 3, "f": False, "l": ["a", "b"], "o": {"k": 1}, "os": [{}], "s": 1}, "top"
    )
    assert (read.text("t", LOWER), read.text("t2", LOWER, None)) == ("x", None)
    assert (read.number("n", 1, 3), read.number("n2", 1, 3, None)) == (3, None)
    assert (read.flag("f", True), read.flag("f2", True)) == (False, True)
    assert (read.texts("l", LOWER), read.texts("l2", least=0)) == (("a", "b"), ())
    assert (read.object("o").data, read.object("o2", {}).data) == ({"k": 1}, {})
    assert (read.share("s", 0.5), read.share("s2", 0.5)) == (1.0, 0.5)
    assert [each.path for each in read.objects("os")] == ["top.os[0]"]
    read.done()


@pytest.mark.parametrize(
    ("value", "take", "said"),
    [
        (None, lambda r: r.text("k"), "top.k: must be there, as a string, not null"),
        (True, lambda r: r.number("k", 0, 1), "top.k: must be there, as integer, not a boolean"),
        (2, lambda r: r.number("k", 0, 1), "top.k: must be 0 to 1"),
        ("A", lambda r: r.text("k", LOWER), "top.k: 'A' does not fit [a-z]+"),
        ("a b\n", lambda r: r.text("k"), "top.k: 'a b\\n' does not fit"),
        ([], lambda r: r.texts("k"), "top.k: must be a list with at least 1 entry"),
        (["a", 1], lambda r: r.texts("k"), "top.k[1]: must be a string, not a number"),
        (["a", "a"], lambda r: r.texts("k"), "top.k[1]: 'a' is there twice"),
        (["a"], lambda r: r.one_of("k", ("a", "b")), "top.k: must be one of a, b"),
        (1.5, lambda r: r.share("k", 0), "top.k: must be a number from 0 to 1"),
        ([{}, 1], lambda r: r.objects("k"), "top.k[1]: must be an object, not a number"),
        ({"x": "y"}, lambda r: r.object("k").number("x", 0, 1), "top.k.x: must be there, as int"),
        (1, lambda r: r.done(), "top.k: is unknown (known: )"),
    ],
)
def test_anything_else_is_refused_by_its_place(
    value: Any, take: Callable[[ObjectReader], object], said: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        take(ObjectReader({"k": value}, "top"))
    assert str(caught.value).startswith(said)


def test_what_must_be_there_has_no_default() -> None:
    with pytest.raises(ConfigError, match=r"^k: must be there, as a string$"):
        ObjectReader({}, "").text("k")


def test_a_key_given_twice_is_refused_though_it_was_taken() -> None:
    read = ObjectReader(loads('{"k": 1, "k": 2}'), "top")
    read.number("k", 1, 2)
    with pytest.raises(ConfigError, match=r"^top\.k: is there twice$"):
        read.done()


@pytest.mark.parametrize("text", ["NaN", '{"a": -Infinity}', "[" * 100_000, "9" * 5000, "{"])
def test_json_that_others_would_guess_at_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError):
        loads(text)


def test_of_an_upload_every_key_that_is_wrong_is_a_refusal_safe_to_print() -> None:
    findings = Findings("manifest.json")
    read = Fields(loads('{"sha256": 1, "\\u001b": 1, "sha256": 2}'), "files[0]")
    read.gather(findings, "sha256")
    with findings.gathering():
        read.take("sha256", str)
    with pytest.raises(RejectedError) as caught:
        findings.close()
    assert [(each.code, each.message) for each in caught.value.refusals] == [
        (Code.MANIFEST_FIELD, 'files[0]: "sha256" is there twice'),
        (Code.MANIFEST_FIELD, r"files[0]: '\x1b' is unknown (known: sha256)"),
        (Code.SUM_MALFORMED, 'files[0]: "sha256" must be there, as a string, not a number'),
    ]
