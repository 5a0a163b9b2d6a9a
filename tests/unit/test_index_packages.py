"""The index engine: equal sets are equal bytes, and an edit touches only its blocks."""

from __future__ import annotations

import gzip
import lzma
import random

import pytest
from debpress.errors import CorruptError
from debpress.index import entries, gz, packages, xz
from debpress.index.difference import difference
from debpress.index.entries import Entry, Identity
from hypothesis import given, settings
from hypothesis import strategies as st

NAMES = st.builds(
    Identity,
    st.sampled_from(["a", "b", "libc", "zoo", "x-y"]),
    st.integers(0, 30).map(lambda n: f"1.{n}"),
    st.sampled_from(["all", "amd64"]),
)


def stanza(identity: Identity, note: str = "") -> bytes:
    return (
        f"Package: {identity.package}\nVersion: {identity.version}\n"
        f"Architecture: {identity.architecture}\nDescription: {note or 'text'}\n more\n"
    ).encode()


def entry(identity: Identity) -> Entry:
    return Entry(identity, stanza(identity))


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entries, "STANZAS_PER_BLOCK", 4)


@pytest.mark.usefixtures("small_blocks")
class TestEdits:
    @settings(max_examples=150, deadline=None, derandomize=True)
    @given(st.sets(NAMES), st.sets(NAMES), st.sets(NAMES))
    def test_an_edit_gives_the_bytes_of_an_index_built_anew(self, old, add, remove) -> None:
        remove -= add
        before = packages.build(map(entry, old))
        edited = packages.Packages(before.gz, before.xz).edit({i: stanza(i) for i in add}, remove)
        assert edited == packages.build(map(entry, (old - remove) | add))

    @settings(max_examples=50, deadline=None, derandomize=True)
    @given(st.lists(NAMES, unique=True), st.randoms(use_true_random=False))
    def test_the_order_packages_came_in_leaves_no_trace(self, names, chance) -> None:
        shuffled = names[:]
        chance.shuffle(shuffled)
        index = packages.empty()
        for identity in shuffled:
            built = index.edit({identity: stanza(identity)})
            index = packages.Packages(built.gz, built.xz)
        if names:
            assert built == packages.build(map(entry, names))

    @settings(max_examples=50, deadline=None, derandomize=True)
    @given(st.sets(NAMES), st.sets(NAMES))
    def test_find_and_difference_see_what_is_there(self, old, new) -> None:
        before, after = (packages.build(map(entry, s)) for s in (old, new))
        found = packages.Packages(before.gz, before.xz).find(old | new)
        assert found == {i: stanza(i) for i in old}
        gone, come = difference(before.xz, after.xz)
        assert (set(gone), set(come)) == (old - new, new - old)

    def test_both_forms_are_one_text_with_the_sum_that_release_states(self) -> None:
        names = [Identity(f"p{n}", "1", "all") for n in range(50)]
        built = packages.build(map(entry, names))
        text = entries.join(sorted(map(entry, names)))
        decoder = lzma.LZMADecompressor(format=lzma.FORMAT_XZ)
        assert decoder.decompress(built.xz) == text
        assert decoder.eof and not decoder.unused_data  # one stream, or apt refuses it
        assert gzip.decompress(built.gz) == text
        assert built.plain == packages.checksum_of(text)
        assert len(xz.split(built.xz)) == len(gz.split(built.gz)) > 5

    def test_an_edit_leaves_other_blocks_as_they_were(self, monkeypatch) -> None:
        names = [Identity(f"p{n:03}", "1", "all") for n in range(200)]
        before = packages.build(map(entry, names))
        compressed = []
        compress = xz.compress
        monkeypatch.setattr(xz, "compress", lambda p: compressed.append(p) or compress(p))
        packages.Packages(before.gz, before.xz).edit({names[100]: stanza(names[100], "new")})
        assert len(compressed) == 1


def test_an_altered_stanza_is_both_gone_and_come() -> None:
    name = Identity("a", "1", "all")
    old, new = (packages.build([Entry(name, stanza(name, note))]) for note in ("x", "y"))
    gone, come = difference(old.xz, new.xz)
    assert gone == {name: stanza(name, "x")} and come == {name: stanza(name, "y")}


def test_an_empty_index_is_readable_and_can_be_added_to() -> None:
    nothing = packages.build([])
    assert nothing.plain.size == 0
    assert lzma.decompress(nothing.xz) == gzip.decompress(nothing.gz) == b""
    name = Identity("a", "1", "all")
    index = packages.Packages(nothing.gz, nothing.xz)
    assert index.edit({name: stanza(name)}) == packages.build([entry(name)])


def test_an_index_of_another_tool_is_taken_over() -> None:
    names = sorted(Identity(f"p{n}", "1", "all") for n in range(9))
    random.Random(1).shuffle(names)
    text = entries.join([entry(n) for n in names])
    theirs = packages.Packages(gzip.compress(text), lzma.compress(text))
    assert theirs.edit({}) == packages.build(map(entry, names))


@pytest.mark.parametrize("damage", [slice(0, -1), slice(0, 0), slice(1, None)])
def test_a_damaged_xz_is_an_error_and_not_a_short_list(damage: slice) -> None:
    name = Identity("a", "1", "all")
    with pytest.raises(CorruptError):
        xz.split(packages.build([entry(name)]).xz[damage])


def test_several_streams_are_refused() -> None:
    with pytest.raises(CorruptError):
        xz.split(xz.assemble([xz.compress(b"a")]) + xz.assemble([xz.compress(b"b")]))


def test_a_stanza_with_its_names_far_down_is_found() -> None:
    name = Identity("far", "1", "all")
    text = b"Package: far\nDepends: " + b"x, " * 4000 + b"y\nVersion: 1\nArchitecture: all\n"
    built = packages.build([Entry(name, text)])
    assert packages.Packages(built.gz, built.xz).find([name]) == {name: text}
