"""Looking at a repository: lists, history and status, from the press in memory."""

from __future__ import annotations

import itertools
from typing import Any, Unpack

import pytest
from debpress import codec, config
from debpress.archive.configuration import read_configuration
from debpress.errors import ConfigError, CorruptError, StoreError
from debpress.index import entries
from debpress.inspection import reading
from debpress.inspection.history import history
from debpress.inspection.status import status
from debpress.layout import Layout

from tests.support.press import Place, Press, deb, debs

_batches = itertools.count()


def publish(press: Press, *packages: tuple[str, str, str], **where: Unpack[Place]) -> None:
    batch = f"b{next(_batches)}"
    assert press.publish(press.upload(batch, debs(*packages), **where)) == "published"


def remove(press: Press, *packages: str) -> None:
    batch = f"o{next(_batches)}"
    event = press.operate(batch, {"op": "remove", "packages": list(packages)})
    assert press.publish(event) == "published"


class TestTheConfiguration:
    def test_is_read_as_it_was_deployed(self, press: Press) -> None:
        body = codec.dump_json(config.as_json(press.repository))
        press.store.put(Layout.repository(), body)
        assert read_configuration(press.store) == press.repository

    def test_where_there_is_none(self, press: Press) -> None:
        with pytest.raises(ConfigError, match="check the bucket's name"):
            read_configuration(press.store)

    def test_where_it_is_damaged(self, press: Press) -> None:
        press.store.put(Layout.repository(), b"{")
        with pytest.raises(ConfigError, match="is not JSON"):
            read_configuration(press.store)


class TestListing:
    def test_by_name_the_newest_version_first(self, press: Press) -> None:
        versions = ("1.0~rc1", "1.9", "1.10", "1:0.1")
        publish(press, ("b", "1", "amd64"), *(("a", v, "all") for v in versions))
        publish(press, ("b", "1", "amd64"), ("c", "1", "arm64"), component="extra")
        found = reading.packages(press.archive, "stable")
        assert [(f.component, *f.identity) for f in found] == [
            *(("main", "a", v, "all") for v in reversed(versions)),
            ("extra", "b", "1", "amd64"),
            ("main", "b", "1", "amd64"),
            ("extra", "c", "1", "arm64"),
        ]

    def test_says_what_a_script_needs(self, press: Press) -> None:
        publish(press, ("a", "1", "all"))
        (found,) = reading.packages(press.archive, "stable")
        said = found.as_json()
        body = deb("a", "1")
        assert (said["suite"], said["component"], said["size"]) == ("stable", "main", len(body))
        assert press.store.body(f"apt/{said['filename']}") == body

    @pytest.mark.parametrize(
        ("pattern", "names"),
        [(None, ["a", "lib-a", "lib-b"]), ("lib*", ["lib-a", "lib-b"]), ("?", ["a"]), ("l", [])],
    )
    def test_by_a_pattern(self, press: Press, pattern: str | None, names: list[str]) -> None:
        publish(press, *((name, "1", "all") for name in ("lib-b", "a", "lib-a")))
        found = reading.matching(reading.packages(press.archive, "stable"), pattern)
        assert [f.identity.package for f in found] == names

    def test_a_suite_that_publishes_nothing(self, press: Press) -> None:
        with pytest.raises(ConfigError, match="'nowhere' publishes nothing"):
            reading.packages(press.archive, "nowhere")

    def test_an_index_that_is_gone_is_no_empty_list(self, press: Press) -> None:
        publish(press, ("a", "1", "all"))
        for key in press.store.keys("apt/dists/stable/main/binary-amd64/by-hash/"):
            press.store.delete(key)
        with pytest.raises(CorruptError, match="is gone"):
            reading.packages(press.archive, "stable")

    def test_the_fields_of_a_stanza_in_its_order(self) -> None:
        text = b"Package: a\nDescription: short\n long\n .\n more\nSize: 3\n"
        assert list(entries.fields(text).items()) == [
            ("Package", "a"),
            ("Description", "short\n long\n .\n more"),
            ("Size", "3"),
        ]


class TestHistory:
    def test_what_came_and_went_when_and_by_whom(self, press: Press) -> None:
        publish(press, ("a", "1", "all"), ("b", "1", "amd64"))
        press.clock.sleep(60)
        remove(press, "a")
        last, first, set_up = history(press.archive, "stable")
        assert (last.number, last.cause, first.cause, set_up.cause) == (
            3,
            "remove",
            "batch",
            "set-up",
        )
        assert [(c.action, c.package, c.version) for c in last.changes] == [("removed", "a", "1")]
        assert sorted((c.action, c.package, c.component) for c in first.changes) == [
            ("added", "a", "main"),  # once, though it is in two indices
            ("added", "b", "main"),
        ]
        assert last.batches == (f"stable/main/o{next(_batches) - 1}",)
        assert last.executions == ("execution-4",)  # after two set-ups, and what it removes
        assert last.date > first.date > set_up.date

    def test_of_one_package(self, press: Press) -> None:
        publish(press, ("a", "1", "all"), ("b", "1", "all"))
        publish(press, ("b", "2", "all"))
        remove(press, "a")
        flips = list(history(press.archive, "stable", "a"))
        assert [flip.number for flip in flips] == [4, 2]
        assert {c.package for flip in flips for c in flip.changes} == {"a"}

    def test_ends_where_the_records_end(self, press: Press) -> None:
        for n in range(4):
            publish(press, (f"p{n}", "1", "all"))
        (lost,) = press.store.keys("state/stable/generations/00000003-")
        press.store.delete(lost)
        assert [flip.number for flip in history(press.archive, "stable")] == [5, 4]


def look(press: Press, suite: str = "stable") -> Any:
    return status(press.archive, suite)


class TestStatus:
    def test_of_a_suite_at_rest(self, press: Press) -> None:
        publish(press, ("a", "1", "all"))
        press.clock.sleep(3600)
        found = look(press)
        assert (found.generation, found.waiting, found.troubles, found.unseen) == (2, (), (), ())
        assert 3590 < found.age < 3620
        assert found.date < found.modified
        assert [flip.number for flip in found.generations] == [2, 1]

    def test_what_waits_and_since_when(self, press: Press) -> None:
        queued = press.steps(press.upload("first", debs(("a", "1", "all"))))
        for _ in range(3):
            next(queued)
        press.clock.sleep(100)
        press.upload("second", debs(("b", "1", "all")), component="extra")
        press.clock.sleep(20)
        found = {w.batch: w for w in look(press).waiting}
        assert set(found) == {"stable/main/first", "stable/extra/second"}
        first, second = found["stable/main/first"], found["stable/extra/second"]
        assert (first.stage, second.stage) == ("queued", "uploaded")
        assert 119 <= first.seconds <= 122 and 19 <= second.seconds <= 22
        assert first.since < second.since
        assert look(press, "testing").waiting == ()

    def test_what_is_answered_does_not_wait(self, press: Press) -> None:
        publish(press, ("a", "1", "all"))
        press.publish(press.upload("bad", {"a_1_all.deb": b"no package"}))
        assert look(press).waiting == ()

    def test_a_mended_batch_waits_for_its_own_answer(self, press: Press) -> None:
        press.publish(press.upload("bad", {"a_1_all.deb": b"no package"}))
        press.clock.sleep(5)
        event = press.upload("bad", debs(("a", "1", "all")))
        assert [w.batch for w in look(press).waiting] == ["stable/main/bad"]
        press.publish(event)
        assert look(press).waiting == ()

    def test_who_may_not_look_at_staging_goes_by_what_is_listed(
        self, press: Press, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As an operator's role, of a manifest that came again since, or in the same second."""
        press.publish(press.upload("bad", {"a_1_all.deb": b"no package"}))
        press.clock.sleep(5)
        press.upload("bad", {"a_1_all.deb": b"no package"})
        head = press.store.head

        def refuse(key: str) -> Any:
            if key.startswith("staging/"):
                raise StoreError(f"AWS refused to look at {key}")
            return head(key)

        monkeypatch.setattr(press.store, "head", refuse)
        assert look(press).waiting == ()
        press.upload("bad", debs(("a", "1", "all")))
        assert [w.batch for w in look(press).waiting] == ["stable/main/bad"]

    def test_the_last_troubles(self, press: Press) -> None:
        for n in range(7):
            press.publish(press.upload(f"bad{n}", {"a_1_all.deb": b"no package"}))
            press.clock.sleep(2)
        publish(press, ("a", "1", "all"))
        troubles = look(press).troubles
        assert [t.batch for t in troubles] == [f"stable/main/bad{n}" for n in (6, 5, 4, 3, 2)]
        assert {t.status for t in troubles} == {"rejected"}
        assert {e["code"] for e in troubles[0].errors} == {"deb-malformed"}

    def test_what_may_not_be_listed_is_said(
        self, press: Press, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(prefix: str) -> Any:
            raise StoreError(f"AWS refused to list {prefix}")

        monkeypatch.setattr(press.store, "list", refuse)
        found = look(press)
        assert found.generation == 1
        assert [text.split(" ")[0] for text in found.unseen] == [
            "state/stable/queue/",
            "staging/stable/",
            "results/stable/",
            "apt/dists/snapshots/",
        ]

    def test_all_of_it_is_json(self, press: Press) -> None:
        press.upload("waits", debs(("a", "1", "all")))
        press.publish(press.upload("bad", {"a_1_all.deb": b"no package"}))
        assert codec.dump_json(look(press).as_json())
