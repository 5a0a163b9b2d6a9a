"""The control file's syntax, line by line."""

from __future__ import annotations

import pytest
from debpress.deb import control, grammar
from debpress.errors import Code


def parse(body: bytes) -> tuple[control.Fields, list[str]]:
    said: list[str] = []

    def report(code: Code, message: str) -> None:
        assert code is Code.CONTROL_MALFORMED
        assert message.isprintable()
        said.append(message)

    return control.parse(body, report), said


def test_a_value_is_its_lines_without_the_blanks_at_their_ends() -> None:
    fields, said = parse(b"A:  one \t\r\nB:\n two \n\tthree\nC-d:\n")
    assert not said
    assert fields == (("A", b"one"), ("B", b"\n two\n\tthree"), ("C-d", b""))


def test_a_blank_before_the_colon_is_taken_off_as_dpkg_does() -> None:
    assert parse(b"A : b:c\n")[0] == (("A", b"b:c"),)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"A: b", "does not end with a newline"),
        (b"A: b\n\nC: d\n", "empty line inside (line 2)"),
        (b"A: b\n \nC: d\n", "nothing but blanks (line 2)"),
        (b"A: b\n\t\n", "nothing but blanks (line 2)"),
        (b"A: b\r\n\r\n", "nothing but blanks (line 2)"),
        (b" A: b\n", "begins with a continuation line (line 1)"),
        (b"A: b\n# c\n", "starts with #"),
        (b"#A: b\n", "starts with #"),
        (b"A: b\n.\n", "no field: '.' (line 2)"),
        (b"A\n", "no field: 'A'"),
        (b": b\n", "malformed name ''"),
        (b"-A: b\n", "malformed name '-A'"),
        (b"A b: c\n", "malformed name 'A b'"),
        (b"\xc3\xa9: c\n", "malformed name 'é'"),
        (b"A: b\na: c\n", "the field 'a' twice (line 2)"),
        (b"A: b\0\n", "control character '\\x00'"),
        (b"A: b\x1b[2J\n", "control character '\\x1b'"),
        (b"A: b\rB: c\n", "control character '\\r'"),
        (b"A: b\n c\x1a\n", "control character '\\x1a' (line 2)"),
        (b"".join(b"F%d: x\n" % n for n in range(1001)), "more than 1000 fields (line 1001)"),
    ],
)
def test_what_would_break_a_stanza_or_dpkg_is_reported_with_its_line(
    body: bytes, said: str
) -> None:
    (message,) = parse(body)[1]
    assert said in message


def test_a_malformed_line_does_not_hide_the_next() -> None:
    fields, said = parse(b"A: b\nnonsense\n more\n#\nB: c\nA: d\n")
    assert [name for name, _ in fields] == ["A", "B"]
    assert len(said) == 3


def test_a_lone_dot_is_a_fine_continuation() -> None:
    assert parse(b"A: b\n .\n c\n") == ((("A", b"b\n .\n c"),), [])


@pytest.mark.parametrize(
    ("text", "name"),
    [("foo", "foo"), ("foo (1.2)", "foo"), ("foo(1:2-3)", "foo"), ("foo 1.2", None),
     ("foo ()", None), ("Foo", None), ("a b (1)", None), ("..", None), ("foo (1) x", None)],
)  # fmt: skip
def test_source_names_a_package_and_perhaps_a_version(text: str, name: str | None) -> None:
    assert grammar.source_of(text) == name


def test_hostile_relations_take_no_longer_than_their_length() -> None:
    for text in (
        "a" * 10**6,
        " " * 10**6 + "!",
        "a (" * 10**5,
        "a (>= " + "1" * 10**6,
        "a" + " " * 10**6 + "(",
    ):
        assert list(grammar.bad_relations(text, alternatives=True))
