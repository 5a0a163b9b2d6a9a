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
from debpress.index.form import Form, checksum_of
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.ed import applied

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


def whole(form: Form) -> bytes:
    return b"".join(form.pieces())


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entries, "STANZAS_PER_BLOCK", 4)


@pytest.mark.usefixtures("small_blocks")
class TestEdits:
    @settings(max_examples=150, deadline=None, derandomize=True)
    @given(st.sets(NAMES), st.sets(NAMES), st.sets(NAMES))
    def test_an_edit_gives_the_bytes_of_an_index_built_anew(
        self, old: set[Identity], add: set[Identity], remove: set[Identity]
    ) -> None:
        remove -= add
        before = packages.build(map(entry, old))
        edited = packages.Packages(before.gz, before.xz).edit({i: stanza(i) for i in add}, remove)
        anew = packages.build(map(entry, (old - remove) | add))
        assert edited == anew
        # And so does its script, of the text that a host has; an empty one needs none.
        texts = [b"".join(gz.inflate(each.gz.pieces())) for each in (before, anew)]
        assert (edited.script is None) == (not old)
        assert applied(texts[0], edited.script or b"") == texts[1] or not old

    @settings(max_examples=50, deadline=None, derandomize=True)
    @given(st.lists(NAMES, unique=True), st.randoms(use_true_random=False))
    def test_the_order_packages_came_in_leaves_no_trace(
        self, names: list[Identity], chance: random.Random
    ) -> None:
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
    def test_find_and_difference_see_what_is_there(
        self, old: set[Identity], new: set[Identity]
    ) -> None:
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
        assert decoder.decompress(whole(built.xz)) == text
        assert decoder.eof and not decoder.unused_data  # one stream, or apt refuses it
        assert gzip.decompress(whole(built.gz)) == text
        assert built.plain == checksum_of(text)
        assert len(xz.blocks(built.xz)) == len(list(gz.members(built.gz))) > 5

    def test_an_older_cut_is_read_as_it_is_and_cut_anew_by_an_edit(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        names = [Identity(f"p{n:03}", "1", "all") for n in range(100)]
        new = Identity("p050x", "1", "all")
        with monkeypatch.context() as before:
            before.setattr(entries, "STANZAS_PER_BLOCK", 16)
            before.setattr(gz, "_CUT", b"DP")
            old = packages.build(map(entry, names))
        index = packages.Packages(old.gz, old.xz)
        assert index.find([names[7], new]) == {names[7]: stanza(names[7])}
        assert list(index.entries()) == list(map(entry, names))
        edited = index.edit({new: stanza(new)}, [names[9]])
        assert edited == packages.build(map(entry, {*names, new} - {names[9]}))
        assert edited != index.edit({})
        gone, come = difference(old.xz, edited.xz)
        assert (set(gone), set(come)) == ({names[9]}, {new})

    def test_nobody_holds_more_than_a_block(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """However large an index is: neither who edits it nor who compares it (law 11)."""
        names = [Identity(f"p{n:04}", "1", "all") for n in range(2000)]
        before = packages.build(map(entry, names))
        largest = max(m.length for m in gz.members(before.gz))
        largest = max(largest, *(s.sizes.padded for s in xz.blocks(before.xz)), 4096)
        asked: list[int] = []
        read = Form.read

        def noted(form: Form, start: int, length: int) -> bytes:
            asked.append(length)
            return read(form, start, length)

        monkeypatch.setattr(Form, "read", noted)
        index = packages.Packages(before.gz, before.xz)
        after = index.edit({names[100]: stanza(names[100], "new")}, [names[1500]])
        difference(before.xz, after.xz)
        # But for the list of blocks at the end of the .xz, some bytes for each of them.
        assert sum(n > largest for n in asked) == 0
        assert before.gz.size > 10 * largest

    def test_what_is_packed_ahead_is_bounded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from debpress.index import writer

        monkeypatch.setattr(writer, "_AHEAD", 3)
        packing: list[bytes] = []
        most: list[int] = []
        pack, add = writer._pack, xz.Writer.add

        def packed(plain: bytes) -> object:
            packing.append(plain)
            return pack(plain)

        def written(out: xz.Writer, data: bytes, sizes: xz.Sizes) -> None:
            most.append(len(packing))
            packing.pop()
            add(out, data, sizes)

        monkeypatch.setattr(writer, "_pack", packed)
        monkeypatch.setattr(xz.Writer, "add", written)
        packages.build(entry(Identity(f"p{n:03}", "1", "all")) for n in range(400))
        assert len(most) > 50 and max(most) <= 5

    def test_an_edit_leaves_other_blocks_as_they_were(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        names = [Identity(f"p{n:03}", "1", "all") for n in range(200)]
        before = packages.build(map(entry, names))
        compressed: list[bytes] = []
        compress = xz.compress

        def noted(plain: bytes) -> xz.Block:
            compressed.append(plain)
            return compress(plain)

        monkeypatch.setattr(xz, "compress", noted)
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
    assert lzma.decompress(whole(nothing.xz)) == gzip.decompress(whole(nothing.gz)) == b""
    name = Identity("a", "1", "all")
    index = packages.Packages(nothing.gz, nothing.xz)
    assert index.edit({name: stanza(name)}) == packages.build([entry(name)])


def test_an_index_of_another_tool_is_taken_over() -> None:
    names = sorted(Identity(f"p{n}", "1", "all") for n in range(9))
    random.Random(1).shuffle(names)
    text = entries.join([entry(n) for n in names])
    theirs = packages.Packages(Form([gzip.compress(text)]), Form([lzma.compress(text)]))
    assert theirs.edit({}) == packages.build(map(entry, names))


def test_a_gzip_of_any_program_is_inflated_wherever_it_is_cut() -> None:
    text = bytes(range(256)) * 9000
    file = gzip.compress(text[:1_500_000]) + bytes(9) + gzip.compress(text[1_500_000:]) + bytes(5)
    for size in (1 << 20, 4097):
        pieces = (file[at : at + size] for at in range(0, len(file), size))
        found = list(gz.inflate(pieces))
        assert b"".join(found) == text and max(map(len, found)) <= 1 << 20
    with pytest.raises(CorruptError):
        list(gz.inflate([file[:-20]]))


@pytest.mark.parametrize("size", [1, 2, 7, 100, 10**6])
def test_a_text_in_pieces_has_the_same_entries(size: int) -> None:
    names = [Identity(f"p{n}", "1", "all") for n in range(9)]
    text = b"\n\n" + entries.join(map(entry, names)) + b"\n"
    pieces = (text[at : at + size] for at in range(0, len(text), size))
    assert list(entries.stream(pieces)) == list(map(entry, names))


def test_a_large_form_is_in_a_file() -> None:
    form = Form([b"x" * (1 << 20), b"y" * 10])
    assert form.checksum == checksum_of(b"x" * (1 << 20) + b"y" * 10)
    assert form.read((1 << 20) - 1, 3) == b"xyy" and form.open().fileno() > 2
    assert [len(piece) for piece in form.pieces()] == [1 << 20, 10]


@pytest.mark.parametrize("damage", [slice(0, -1), slice(0, 0), slice(1, None)])
def test_a_damaged_xz_is_an_error_and_not_a_short_list(damage: slice) -> None:
    name = Identity("a", "1", "all")
    with pytest.raises(CorruptError):
        xz.blocks(Form([whole(packages.build([entry(name)]).xz)[damage]]))


def test_several_streams_are_refused() -> None:
    two = Form([lzma.compress(b"a"), lzma.compress(b"b")])
    with pytest.raises(CorruptError):
        xz.blocks(two)
    with pytest.raises(CorruptError):
        list(xz.inflate(two.pieces()))


def test_a_stanza_with_its_names_far_down_is_found() -> None:
    name = Identity("far", "1", "all")
    text = b"Package: far\nDepends: " + b"x, " * 4000 + b"y\nVersion: 1\nArchitecture: all\n"
    built = packages.build([Entry(name, text)])
    assert packages.Packages(built.gz, built.xz).find([name]) == {name: text}
