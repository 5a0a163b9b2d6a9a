"""Each guard of docs/protocol.md is needed: without it, the harness sees something go wrong.

A guard is taken away, and the plays of test_interleavings and test_faults are performed that are
about it. The number in a test's name is the interleaving's on that page.
"""

from __future__ import annotations

import hashlib
import itertools
import random
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from debpress import codec
from debpress.archive import Archive, ended, objects, taking
from debpress.archive import staged as staged_files
from debpress.archive.ended import EndedPaths
from debpress.archive.gone import GoneArchive
from debpress.archive.headers import GENERATION, JSON
from debpress.archive.living import LivingSuites
from debpress.archive.named import Named
from debpress.archive.plain_names import PlainNames
from debpress.archive.results import Results
from debpress.archive.staged import StagedFiles
from debpress.archive.suite import SuiteArchive
from debpress.index.draft import IndexDraft
from debpress.index.entries import Identity
from debpress.layout import Layout
from debpress.records.generation import Ended, Generation
from debpress.records.gone import GonePackage, GoneVersion
from debpress.records.living import Living
from debpress.records.result import Result
from debpress.steps import admit, births, commit, finish, queue, reap
from debpress.steps import merge as merge_step
from debpress.steps.answers import Answers
from debpress.steps.deletion import Condemned, Deletion
from debpress.steps.telling import hand_over
from debpress.store import Head, Object, ObjectHeaders, Pin, PreconditionFailed
from debpress.suite import merge
from debpress.suite.memory import Memory

from tests.support.faults import At, Call, Fault, Random, Script
from tests.support.memory_store import MemoryStore
from tests.support.press import Press, deb
from tests.support.scenes import OLD, WITHDRAW, Scene, fresh, queued, scene
from tests.unit import test_living as living
from tests.unit import test_living_end as living_end
from tests.unit import test_staged as staged
from tests.unit.test_admission import in_parts, reaper_beside
from tests.unit.test_interleavings import (
    leads_and_publishes_others,
    older_and_newer,
    queues_while_another_leads,
)
from tests.unit.test_operations import scheduled_twice

Patch = pytest.MonkeyPatch


def noticed(play: Callable[[Any], None], cases: Iterable[Any], what: str) -> None:
    """Some case of the play fails, and says so in these words."""
    said = []
    for case in cases:
        try:
            play(case)
        except AssertionError as failure:
            said.append(str(failure))
            if what in said[-1]:
                return
    pytest.fail(f"nobody noticed; but: {said[:3]}" if said else "nobody noticed")


def grid(most: int = 60, step: int = 4) -> Iterable[tuple[int, int]]:
    turns = range(0, most, step)
    return itertools.product(turns, turns)


def two_batches(turns: tuple[int, int], *, other: dict[str, bytes] | None = None) -> None:
    where = scene()
    where.upload("a", fresh("a"))
    where.upload("b", other or fresh("b"))
    world = where.world(turns=Script([("a", turns[0]), ("b", turns[1])]))
    world.run(queued(where, "a", "b"))
    assert not world.surprises, f"surprised by {world.surprises}"
    where.witness.settled()


def one_batch(where: Scene, **settings: Any) -> None:
    world = where.world(**settings)
    said = world.publish({"it": where.upload("it", fresh("it"))})
    assert not world.surprises, f"surprised by {world.surprises}"
    assert said == {"it": "published"}
    where.witness.settled()


def repeated(first: int) -> None:
    """An event's repeat stops after some calls, the first publishes, its package is removed."""
    where = scene(removals=True)
    event = where.upload("a", fresh("a"))
    remove = where.operate("remove", {"op": "remove", "packages": ["a"]})

    def whole(press: Press) -> Any:
        press.publish(event)
        press.clock.sleep(30)
        return press.publish(remove)

    world = where.world(turns=Script([("repeat", first), ("whole", 10**6)]))
    world.run({"repeat": lambda press: press.publish(event), "whole": whole})
    assert "a" not in where.seen(), "what was removed came back"
    where.witness.settled()


class TestTheCommit:
    def test_1_without_if_match_a_flip_is_lost(self, monkeypatch: Patch) -> None:
        def blind(suite: SuiteArchive, record: Generation, body: bytes, _: Any) -> Any:
            headers = ObjectHeaders(metadata={GENERATION: record.id})
            return suite._store.put(suite._layout.inrelease(suite.path), body, headers)

        monkeypatch.setattr(SuiteArchive, "put_inrelease", blind)
        noticed(two_batches, grid(), "does not follow")

    def test_2_without_a_look_at_the_chain_a_killed_commit_leaves_stale_names(
        self, monkeypatch: Patch
    ) -> None:
        monkeypatch.setattr(commit, "_is_in", lambda *_: False)
        noticed(
            lambda k: one_batch(scene(), faults=At(k, Fault.KILL_AFTER)),
            range(8, 30),
            "under its plain name",
        )

    def test_9_without_a_second_between_flips_hosts_never_see_one(self, monkeypatch: Patch) -> None:
        monkeypatch.setattr(commit, "leave_a_second", lambda *_: None)

        def play(_: int) -> None:
            where = scene()
            for name in "ab":
                where.upload(name, {f"{name}_1_all.deb": deb(name, "1")})
            world = where.world(tick=0.005)
            for name in "ab":
                world.publish({name: where.events[name]})

        noticed(play, [0], "law 2")

    def test_9_without_the_check_after_the_put_an_equal_last_modified_stays(
        self, monkeypatch: Patch
    ) -> None:
        from tests.unit.test_faults import TestTime

        monkeypatch.setattr(commit, "see_it_rise", lambda *_: None)
        with pytest.raises(AssertionError):
            TestTime().test_last_modified_that_did_not_rise_is_mended()

    def test_11_without_a_second_look_the_slower_leaves_older_plain_names(
        self, monkeypatch: Patch
    ) -> None:
        def once(names: PlainNames, flipped: Generation, *_: Any) -> None:
            found = names._store.get(names._layout.inrelease(names._path))
            assert found is not None
            names._write(found, flipped, None)

        monkeypatch.setattr(PlainNames, "update", once)
        noticed(_one_after_the_other, range(20, 60, 2), "plain name")

    def test_14_without_the_last_comparison_packages_are_lost(self, monkeypatch: Patch) -> None:
        """Law 11, with a merge that has such a bug."""
        lost = Identity("old0", "1", "all")
        monkeypatch.setattr(IndexDraft, "build", lambda d: d.base.edit(d.added, {lost}))
        with pytest.raises(AssertionError, match="LossError"):
            one_batch(scene())  # the guard holds: it breaks down before the flip
        monkeypatch.setattr(commit, "check_nothing_lost", lambda *_: None)
        noticed(lambda _: one_batch(scene()), [0], "law 11")

    def test_15_without_a_look_for_them_objects_are_named_that_are_gone(
        self, monkeypatch: Patch
    ) -> None:
        """Law 8, with somebody who deletes a package from the pool before the commit."""

        def play(_: int) -> None:
            where = scene()
            store = where.press.store

            def meddle(call: Call) -> None:
                if call.operation == "put" and "/signed/" in call.key:
                    for key in store.keys("apt/pool/main/i/"):
                        store.delete(key)

            one_batch(where, faults=meddle)

        with pytest.raises(AssertionError, match="CorruptError"):
            play(0)
        monkeypatch.setattr(commit, "check_all_there", lambda *_: None)
        noticed(play, [0], "is named and not there")

    def test_16_with_inrelease_before_its_indices_hosts_see_half(self, monkeypatch: Patch) -> None:
        """The order of writes: by-hash first."""
        later: list[tuple[Any, ...]] = []
        write, put = SuiteArchive._put_form, SuiteArchive.put_inrelease

        def postponed(_: SuiteArchive, *form: Any) -> None:
            later.append(form)

        def first(suite: SuiteArchive, *args: Any) -> Any:
            head = put(suite, *args)
            for each in later:
                write(suite, *each)
            later.clear()
            return head

        monkeypatch.setattr(SuiteArchive, "_put_form", postponed)
        monkeypatch.setattr(SuiteArchive, "put_inrelease", first)
        for check in ("check_all_there", "check_nothing_lost"):
            monkeypatch.setattr(commit, check, lambda *_: None)
        noticed(lambda _: one_batch(scene()), [0], "which is not there whole")


class TestWhatIsIn:
    def test_3_4_without_the_chain_a_batch_is_taken_in_twice(self, monkeypatch: Patch) -> None:
        monkeypatch.setattr(merge, "decided", lambda _: {})

        def play(turns: tuple[int, int]) -> None:
            where = scene(removals=True)
            event = where.upload("a", fresh("a"))
            steps = where.press.steps(event)
            for _ in range(5):
                next(steps)  # committed; finish never comes
            where.witness._look()
            world = where.world(turns=Script([("r", turns[0])]))
            world.publish({"r": where.operate("r", {"op": "remove", "packages": ["a"]})})
            where.heal(world)

        noticed(play, [(0, 0)], "a second time")

    def test_5_without_answering_for_the_dead_entries_stay(self, monkeypatch: Patch) -> None:
        monkeypatch.setattr(merge, "unanswered", lambda _: ())

        def play(_: int) -> None:
            where = scene()
            steps = where.press.steps(where.upload("a", fresh("a")))
            for _ in range(5):
                next(steps)
            where.witness._look()
            where.heal(where.world())

        noticed(play, [0], "left in the queue")

    def test_23_if_what_waits_is_reaped_those_who_take_it_along_fail(
        self, monkeypatch: Patch
    ) -> None:
        from tests.unit.test_interleavings import TestDeadExecutions as Plays

        monkeypatch.setattr(Named, "soon", lambda _: ())
        with pytest.raises(AssertionError):
            Plays().test_what_waits_for_days_is_not_reaped(0)
        monkeypatch.setattr(merge._Merge, "_refuse_reaped", lambda *_: None)
        noticed(Plays().test_what_waits_for_days_is_not_reaped, [0], "CorruptError")
        noticed(
            lambda _: Plays().test_what_is_gone_all_the_same_breaks_nobody_else(), [0], "'failed'"
        )

    def test_6_with_a_second_plan_a_repeat_brings_back_what_was_removed(
        self, monkeypatch: Patch
    ) -> None:
        monkeypatch.setattr(objects, "keep_first", _overwrite)
        noticed(repeated, range(0, 30), "a second time")

    def test_6_with_a_second_verdict_a_repeat_rejects_what_is_under_way(
        self, monkeypatch: Patch
    ) -> None:
        monkeypatch.setattr(objects, "keep_first", _overwrite)

        def play(first: int) -> None:
            where = scene()
            event = where.upload("a", fresh("a"))

            def whole(press: Press) -> Any:
                steps = press.steps(event)
                said = [next(steps) for _ in range(3)]
                press.store.put("staging/stable/main/a/a_1_all.deb", deb("a", "1", note="evil"))
                return [*said, *steps][-1]

            world = where.world(turns=Script([("repeat", first), ("whole", 45)]))
            world.run({"repeat": lambda press: press.publish(event), "whole": whole})
            where.witness.settled()

        noticed(play, range(4, 12), "rejected")

    def test_17_without_remembering_refusals_one_is_published(self, monkeypatch: Patch) -> None:
        def taken(chain: Iterable[Generation]) -> dict[str, Generation]:
            return {outcome.run: each for each in chain for outcome in each.batches}

        monkeypatch.setattr(merge, "decided", taken)
        cases = itertools.product(range(30, 60, 2), range(1, 6))
        noticed(_refused_then_room, cases, "rejected")

    def test_18_taking_every_409_for_an_entry_loses_batches(self, monkeypatch: Patch) -> None:
        def credulous(store: Any, key: str, data: Any) -> bool:
            with suppress(PreconditionFailed):
                store.put(key, codec.dump(data), JSON, if_absent=True)
            return True

        monkeypatch.setattr(objects, "keep_first", credulous)
        noticed(
            lambda k: one_batch(scene(), faults=At(k, Fault.LOST_BEFORE)), range(1, 8), "is gone"
        )

    def test_19_operations_and_batches_in_one_flip_make_results_untrue(
        self, monkeypatch: Patch
    ) -> None:
        monkeypatch.setattr(merge, "_is_alone", lambda _: False)

        def play(_: int) -> None:
            where = scene(removals=True)
            where.operate("a", {"op": "remove", "packages": ["old0"]})
            where.upload("b", fresh("b"))
            where.upload("c", {"old0_1_all.deb": OLD["old0_1_all.deb"]})
            where.world().run(queued(where, "a", "b", "c"))

        noticed(play, [0], "is removed, and it is there")

    def test_20_a_refusal_without_a_flip_may_be_contradicted(self, monkeypatch: Patch) -> None:
        """b, by a clock that is behind, comes before the operation a that makes room for it, and c
        between them changes nothing: b is refused, and then taken in by c's merge."""

        def play(turns: tuple[int, int]) -> None:
            where = scene(removals=True)
            where.operate("a", *WITHDRAW)
            jobs = queued(where, "a")
            where.press.clock.advance(-400)
            where.upload("b", {"old0_1_all.deb": deb("old0", "1", note="other")})
            where.upload("c", {"old1_1_all.deb": OLD["old1_1_all.deb"]})
            late = queued(where, "b", "c")
            where.press.clock.advance(400)

            def later(press: Press, name: str) -> Any:
                return late[name](press)

            # a has read the queue before b and c are in it.
            entries = where.press.store.keys("state/stable/queue/")
            hidden = {key: where.press.store.body(key) for key in entries if "main.a." not in key}
            for key in hidden:
                where.press.store.delete(key)

            seen = set()

            def show(call: Call) -> None:
                if call.worker == "a":
                    seen.add(call.operation)
                if call.worker == "a" and call.operation == "get" and "list" in seen:
                    while hidden:
                        where.press.store.put(*hidden.popitem())

            jobs |= {name: partial(later, name=name) for name in "bc"}
            script = [("a", turns[0]), ("b", turns[1]), ("a", 10**6), ("c", 10**6)]
            world = where.world(turns=Script(script), faults=show)
            world.run(jobs)
            where.witness.settled()

        cases = [(i, j) for i in range(8, 30, 6) for j in range(0, 28, 2)]
        for case in cases:
            play(case)
        monkeypatch.setattr(merge._Merge, "_is_contested", lambda *_: False)
        noticed(play, cases, "rejected")


class TestOneContent:
    def test_24_25_without_the_notes_a_version_comes_again_with_other_bytes(
        self, monkeypatch: Patch
    ) -> None:
        monkeypatch.setattr(GoneArchive, "note", lambda *_: None)
        noticed(_removed_then_other_bytes, range(0, 60, 6), "law 4")

    def test_25_a_note_after_the_flip_comes_too_late(self, monkeypatch: Patch) -> None:
        """The order of writes: the notes before the record, and so before InRelease."""
        later: list[tuple[GoneArchive, Generation]] = []
        note, step = GoneArchive.note, Press._finish

        def at_last(press: Press, given: dict[str, Any]) -> Any:
            while later:
                note(*later.pop())
            return step(press, given)

        _removed_then_other_bytes(30)
        monkeypatch.setattr(GoneArchive, "note", lambda *each: later.append(each))
        monkeypatch.setattr(Press, "_finish", at_last)
        noticed(_removed_then_other_bytes, range(0, 60, 2), "law 4")

    def test_26_believing_a_forgetting_that_was_never_published(self, monkeypatch: Patch) -> None:
        from tests.unit.test_once import TestFailures

        monkeypatch.setattr(Memory, "_is_forgotten", lambda _, package: bool(package.forgotten))
        noticed(TestFailures().test_a_forgetting_that_is_given_up_is_none, range(1, 20), "law 4")

    def test_26_a_forgetting_without_a_flip_is_in_no_history(self, monkeypatch: Patch) -> None:
        from tests.unit.test_once import TestForgetting

        monkeypatch.setattr(merge, "FORGOTTEN", "nothing")
        press = scene().press
        with pytest.raises(AssertionError):
            TestForgetting().test_is_a_generation_in_the_history(press)

    def test_27_without_the_condition_a_note_replaces_another(self, monkeypatch: Patch) -> None:
        from tests.unit.test_once import removals_of_two

        def blind(archive: GoneArchive, key: str, news: Any) -> None:
            found = archive._store.get(key)
            known = objects.read(GoneVersion, found) if found else GoneVersion()
            archive._store.put(key, codec.dump(known.folded(news)), JSON)

        monkeypatch.setattr(GoneArchive, "_fold", blind)
        noticed(removals_of_two, range(0, 60), "came with other bytes")

    def test_27_a_forgetting_from_before_it_was_published_again(self, monkeypatch: Patch) -> None:
        from tests.unit.test_once import TestForgetting

        def as_they_are(one: GonePackage, other: GonePackage) -> GonePackage:
            return replace(one, forgotten=(*one.forgotten, *other.forgotten))

        monkeypatch.setattr(GonePackage, "folded", as_they_are)
        with pytest.raises(AssertionError):
            TestForgetting().test_and_void_once_the_same_bytes_were_published_again(scene().press)

    def test_28_without_catching_up_what_an_older_debpress_removed_comes_again(
        self, monkeypatch: Patch
    ) -> None:
        def play(_: int) -> None:
            where = scene(removals=True)
            with monkeypatch.context() as older:
                older.setattr(GoneArchive, "note", lambda *_: None)
                older.setattr(GoneArchive, "catch_up", lambda *_: None)
                world = where.world()
                world.publish({"r": where.operate("r", {"op": "remove", "packages": ["old0"]})})
            world.run({"set-up": lambda press: [*press.flip("stable")]})
            assert world.publish({"b": where.upload("b", _other_old())}) == {"b": "rejected"}

        play(0)
        monkeypatch.setattr(GoneArchive, "catch_up", lambda *_: None)
        noticed(play, [0], "law 4")


class TestAnswers:
    def test_7_without_the_look_at_the_manifest_an_older_answers_for_a_newer(
        self, monkeypatch: Patch
    ) -> None:
        monkeypatch.setattr(Archive, "is_newest", lambda *_: True)
        noticed(older_and_newer, range(0, 130, 3), "another manifest")

    def test_7_without_the_condition_an_older_replaces_a_newer(self, monkeypatch: Patch) -> None:
        monkeypatch.setattr(Results, "__init__", _without_conditions)
        noticed(older_and_newer, range(0, 130), "another manifest")

    def test_13_without_the_chain_a_published_batch_is_said_to_have_failed(
        self, monkeypatch: Patch
    ) -> None:
        monkeypatch.setattr(SuiteArchive, "decider", lambda *_: None)
        noticed(
            lambda first: _fails(first, 10**6),
            range(30, 60),
            "says failed, and the batch is published",
        )

    def test_13_without_waiting_a_batch_fails_that_is_then_published(
        self, monkeypatch: Patch
    ) -> None:
        monkeypatch.setattr(finish, "_MOST_WAITS", 1)
        noticed(lambda first: _fails(first, 14), range(60), "was corrected")

    def test_21_a_result_before_its_flip_is_untrue(self, monkeypatch: Patch) -> None:
        """The order of writes: the result last."""
        step = Press._commit

        def early(press: Press, given: dict[str, Any]) -> Any:
            record = press.archive.suite(given["suite"]).generation(given["generation"])
            press._finish({**given, "run": record.by, "outcome": "published"})
            return step(press, given)

        monkeypatch.setattr(Press, "_commit", early)
        noticed(lambda _: one_batch(scene()), [0], "which nobody saw")


class TestSuitesThatComeAndGo:
    def test_56_without_the_condition_there_are_too_many(self, monkeypatch: Patch) -> None:
        self._blindly(monkeypatch)
        noticed(living.born_at_once, [(n, 30) for n in range(16, 20)], "one too many")

    def test_57_without_the_notes_the_refused_are_taken_along(
        self, monkeypatch: Patch, coming: Press
    ) -> None:
        monkeypatch.setattr(births, "_unrefused", lambda _runs, found, _own: found)
        with pytest.raises(AssertionError):
            living.TestAtMost().test_who_is_refused_is_not_taken_along_by_who_finds_a_place(coming)

    def test_57_without_the_second_look_what_is_published_is_refused(
        self, monkeypatch: Patch
    ) -> None:
        enter, looks = LivingSuites.enter, list[str]()

        def once(suites: LivingSuites, pattern: str, suite: str, *more: Any) -> Any:
            looks.append(suite)
            is_second = suite == "pr-3" and looks.count(suite) == 3
            return {"pr-3": ""} if is_second else enter(suites, pattern, suite, *more)

        monkeypatch.setattr(LivingSuites, "enter", once)
        noticed(living.refused_while_another_is_born, [living.made()], "said to be refused")

    def test_58_without_the_condition_who_is_being_born_is_taken_out(
        self, monkeypatch: Patch
    ) -> None:
        self._blindly(monkeypatch)
        with pytest.raises(AssertionError):
            living_end.TestTheRecord().test_who_enters_meanwhile_is_not_taken_out(
                living_end.at_its_end()
            )

    def test_61_without_the_condition_a_publish_is_deleted(self, monkeypatch: Patch) -> None:
        def blindly(paths: EndedPaths, _: str, head: Head) -> bool:
            paths._store.delete(head.key)
            return True

        monkeypatch.setattr(EndedPaths, "_delete", blindly)
        noticed(self._publishes, range(26, 46, 3), "published, and not to be seen")

    def test_61_by_its_version_an_earlier_inrelease_comes_back(self, monkeypatch: Patch) -> None:
        def version(paths: EndedPaths, _: str, head: Head) -> bool:
            paths._store.delete(head.key, head.version_id)
            return True

        monkeypatch.setattr(EndedPaths, "_delete", version)
        with pytest.raises(AssertionError):
            living_end.TestItsEnd().test_no_earlier_version_of_inrelease_comes_back(
                living_end.at_its_end()
            )

    def test_63_without_the_life_before_its_batches_come_back(self, monkeypatch: Patch) -> None:
        def parent(record: Generation) -> str | None:
            return record.parent.generation if record.parent else None

        monkeypatch.setattr(Generation, "previous", property(parent))
        with pytest.raises(AssertionError):
            living_end.TestANewLife().test_what_the_old_one_has_decided_is_not_published_again(
                living_end.at_its_end()
            )

    def test_64_with_the_note_among_the_rest_a_new_life_starts_beside_the_old(
        self, monkeypatch: Patch
    ) -> None:
        sort = EndedPaths._sort
        monkeypatch.setattr(
            EndedPaths, "_sort", lambda paths, path, heads, _: sort(paths, path, heads, None)
        )
        noticed(living_end.leaves_a_note_beside_what_is_left, [0], "the note is gone")

    def test_66_if_it_ends_at_once_plain_names_come_after_its_end(self, monkeypatch: Patch) -> None:
        monkeypatch.setattr(ended, "_SETTLED", timedelta(0))
        noticed(living_end.ends_while_its_plain_names_are_put, [0], "hosts fall back")

    def test_67_without_the_note_what_is_over_rises_again(self, monkeypatch: Patch) -> None:
        monkeypatch.setattr(commit, "_goes_on", lambda *_: True)
        noticed(living_end.is_committed_when_its_life_is_over, [0], "from the dead")
        noticed(living_end.is_committed_when_its_life_is_over, [1], "from the dead")

    def test_68_without_the_condition_the_note_is_that_of_an_earlier_end(
        self, monkeypatch: Patch
    ) -> None:
        def blindly(paths: EndedPaths, path: str, _: Object | None, note: Ended) -> bool:
            objects.keep(paths._store, Layout.ended(path), note)
            return True

        monkeypatch.setattr(EndedPaths, "_note", blindly)
        noticed(living_end.ends_twice_under_a_slow_reaper, [0], "the note of an earlier end")

    @pytest.fixture
    def coming(self) -> Press:
        return living.made()

    @staticmethod
    def _publishes(first: int) -> None:
        living_end.publishes_while_it_ends(Script([("reaper", 24), ("ci", first), ("reaper", 99)]))

    @staticmethod
    def _blindly(monkeypatch: Patch) -> None:
        def change(suites: LivingSuites, pattern: str, change: Callable[[Any], Any]) -> None:
            key = Layout.living(pattern)
            found = objects.find(suites._store, Living, key)
            objects.keep(suites._store, key, Living(change(found.since if found else {})))

        monkeypatch.setattr(LivingSuites, "change", change)


class TestPins:
    def test_8_without_the_pin_a_swapped_file_is_published(self, monkeypatch: Patch) -> None:
        def newest(store: MemoryStore, pin: Pin) -> Any:
            return store._current(pin.key)

        monkeypatch.setattr(MemoryStore, "_pinned", newest)
        monkeypatch.setattr(admit._Admission, "_replaced", lambda _: set())

        def play(_: int) -> None:
            where = scene()
            store = where.press.store

            def swap(call: Call) -> None:
                if call.operation == "copy":
                    name = call.key.rpartition("/")[2]
                    store.put(f"staging/stable/main/it/{name}", _evil(name))

            one_batch(where, faults=swap)

        noticed(play, [0], "is named and not there whole")


class TestSums:
    def test_35_if_the_listed_sum_is_believed_hosts_are_given_other_bytes(
        self, monkeypatch: Patch
    ) -> None:
        def believing(store: Any, key: str, file: Any, place: str, *, small: bool) -> Any:
            return replace(taking.take(store, key, file, place, small=small), sha256=file.sha256)

        monkeypatch.setattr(admit, "take", believing)

        def play(_: int) -> None:
            where = scene()
            file, right = next(iter(OLD.items()))
            wrong = {file: deb("old0", "1", note="Test")}
            started = in_parts(where, "it", wrong, **{file: hashlib.sha256(right).hexdigest()})
            where.press.clock.advance(3600)
            where.world().publish({"it": started})

        noticed(play, [0], "is named and not there whole")

    def test_38_a_reaper_that_takes_young_copies_has_good_files_refused(
        self, monkeypatch: Patch
    ) -> None:
        monkeypatch.setattr(taking, "_MOST_WHOLE", 0)
        monkeypatch.setattr(reap, "_ADMITTING", timedelta(hours=-1))
        noticed(lambda first: reaper_beside(scene(), first), range(2, 14), "file-changed")


class TestTime:
    def test_10_a_date_by_the_clock_alone_does_not_rise(self, monkeypatch: Patch) -> None:
        monkeypatch.setattr(merge, "next_date", lambda now, _: now - timedelta(seconds=60))

        def play(_: int) -> None:
            where = scene()
            world = where.world()
            world.publish({"a": where.upload("a", fresh("a"))})
            where.press.clock.advance(-30)
            world.publish({"b": where.upload("b", fresh("b"))})
            assert not world.surprises, f"surprised by {world.surprises}"

        noticed(play, [0], "was not signed")  # the signer refuses as well (law 10)

    def test_10_a_functions_own_clock_makes_dates_in_the_future(self, monkeypatch: Patch) -> None:
        parse = SuiteArchive.parse

        def own(suite: SuiteArchive, found: Any) -> Any:
            return replace(parse(suite, found), now=suite._clock.now())

        monkeypatch.setattr(SuiteArchive, "parse", own)
        noticed(lambda _: one_batch(scene(), skew={"it": 3600.0}), [0], "law 1")

    def test_10_a_functions_own_clock_makes_the_first_date_wrong(self, monkeypatch: Patch) -> None:
        from tests.unit.test_faults import TestTime as Plays

        monkeypatch.setattr(MemoryStore, "now", lambda *_: None)
        noticed(Plays().test_the_first_function_of_all_whose_clock_is_wrong, [-3600.0], "law 1")
        noticed(Plays().test_the_first_function_of_all_whose_clock_is_wrong, [3600.0], "law 1")


class TestWaitingToBeTold:
    """Of the plays in test_interleavings.py. What is taken away makes others late, no more."""

    def test_40_without_a_look_after_the_token_a_batch_waits_for_one_that_has_ended(
        self, monkeypatch: Patch
    ) -> None:
        monkeypatch.setattr(queue, "leads", lambda *_: False)
        # b stops between its first look at the queue and its token.
        cases = itertools.product(range(15, 45, 5), range(12, 40))
        noticed(queues_while_another_leads, cases, "waited in vain")

    def test_40_without_handing_over_a_batch_waits_for_one_that_has_ended(
        self, monkeypatch: Patch
    ) -> None:
        monkeypatch.setattr(finish, "hand_over", lambda *_: None)
        noticed(queues_while_another_leads, grid(60, 3), "waited in vain")

    def test_40_with_a_look_before_one_s_own_entry_is_gone_it_is_told_to_itself(
        self, monkeypatch: Patch
    ) -> None:
        """The order in `finish`: results, entries, the next."""
        answer = Answers.published

        def early(answers: Answers, *args: Any) -> Any:
            hand_over(answers._services, answers._suite)
            return answer(answers, *args)

        monkeypatch.setattr(Answers, "published", early)
        monkeypatch.setattr(finish, "hand_over", lambda *_: None)
        noticed(queues_while_another_leads, grid(60, 3), "waited in vain")

    def test_42_where_nobody_answers_and_each_leaves_it_to_the_flipper_the_second_waits(
        self, monkeypatch: Patch
    ) -> None:
        monkeypatch.setattr(
            finish, "_led", lambda record, run: record.by == run or run not in record.decided
        )
        noticed(leads_and_publishes_others, range(12), "waited in vain")


class TestTheReaper:
    """Of the plays in test_staged.py."""

    def test_29_with_neither_first_verdicts_nor_lasting_answers_a_repeat_takes_back_what_was_said(
        self, monkeypatch: Patch, press: Press
    ) -> None:
        monkeypatch.setattr(objects, "keep_first", _overwrite)
        monkeypatch.setattr(Result, "says_enough", lambda *_: False)
        with pytest.raises(AssertionError):
            staged.a_repeat_goes_on_where_it_stood(press, 1)

    @pytest.mark.parametrize("guard", ["the version", "the look before it"])
    def test_30_deleting_whatever_is_there_loses_a_new_upload(
        self, monkeypatch: Patch, guard: str
    ) -> None:
        delete = MemoryStore.delete

        def newest(store: MemoryStore, key: str, version_id: str | None = None, **_: Any) -> None:
            delete(store, key, store.head(key).version_id if version_id else None)  # type: ignore[union-attr]

        def unseeing(deletion: Deletion, done: list[Head], condemned: Condemned) -> None:
            head = deletion._store.head(condemned.head.key)
            assert head is not None
            deletion._store.delete(head.key, head.version_id)

        if guard == "the version":
            monkeypatch.setattr(MemoryStore, "delete", newest)
        else:
            monkeypatch.setattr(Deletion, "_one", unseeing)
        noticed(staged.uploaded_anew_meanwhile, range(40), "rejected")

    def test_30_by_their_names_alone_files_go_that_wait_for_their_manifest(
        self, monkeypatch: Patch, press: Press
    ) -> None:
        monkeypatch.setattr(
            staged_files, "_was_taken", lambda head, file, _: head.etag == file.etag
        )
        with pytest.raises(AssertionError, match="rejected"):
            staged.uploaded_before_its_manifest(press)

    def test_31_were_manifests_to_go_as_well_an_older_run_would_answer_for_the_newer(
        self, monkeypatch: Patch, press: Press
    ) -> None:
        left = StagedFiles.left

        def with_manifests(files: StagedFiles) -> list[Head]:
            found = left(files)
            places = {head.key.rpartition("/")[0] for head in found}
            names = (f"{place}/manifest.json" for place in places)
            return [*found, *(head for name in names if (head := files._store.head(name)))]

        monkeypatch.setattr(StagedFiles, "left", with_manifests)
        with pytest.raises(AssertionError, match="another manifest"):
            staged.an_older_run_ends_last(press, 3)

    def test_32_with_no_regard_to_other_manifests_their_files_go(self, monkeypatch: Patch) -> None:
        monkeypatch.setattr(staged_files, "is_manifest", lambda name: name == "manifest.json")
        with pytest.raises(AssertionError, match="rejected"):
            staged.beside_another_manifest(scene())

    @pytest.mark.parametrize("play", [staged.mended_days_later, staged.redriven_days_later])
    def test_33_whatever_the_answer_was_files_are_gone_that_are_needed(
        self, monkeypatch: Patch, press: Press, play: Callable[[Press], None]
    ) -> None:
        monkeypatch.setattr(staged_files, "_is_published", lambda *_: True)
        with pytest.raises(AssertionError, match="rejected"):
            play(press)


class TestTheSchedule:
    def test_34_a_call_that_comes_twice_takes_the_share_twice(
        self, monkeypatch: Patch, press: Press
    ) -> None:
        def always(archive: Archive, key: str, body: bytes) -> None:
            archive._store.put(key, body)

        monkeypatch.setattr(Archive, "stage_once", always)
        with pytest.raises(AssertionError):
            scheduled_twice(press)


class TestLeading:
    def test_12_without_a_leader_many_more_flips_are_lost(self, monkeypatch: Patch) -> None:
        """Right all the same: only dearer."""

        def generations() -> int:
            where = scene()
            for number in range(12):
                where.upload(f"b{number}", {f"p{number}_1_all.deb": deb(f"p{number}", "1")})
            world = where.world(turns=Random(random.Random(1), 0.5))
            assert set(world.publish(where.events).values()) == {"published"}
            where.witness.settled()
            return len(where.press.store.keys("state/stable/generations/"))

        led = generations()
        monkeypatch.setattr(merge_step, "leads", lambda *_: True)
        assert generations() > led


# The plays


def _evil(name: str) -> bytes:
    """Other bytes of the same size, so that nothing but their sum tells them."""
    identity, size = name.removesuffix(".deb").split("_"), len(fresh("it")[name])
    candidates = (deb(*identity, note=f"{n:04}") for n in itertools.count())
    return next(body for body in candidates if len(body) == size)


def _overwrite(store: Any, key: str, data: Any) -> bool:
    store.put(key, codec.dump(data), JSON)
    return True


def _other_old() -> dict[str, bytes]:
    return {"old0_1_all.deb": deb("old0", "1", note="other")}


def _removed_then_other_bytes(first: int) -> None:
    """An operator's removal stops anywhere, and an upload of other bytes is merged meanwhile."""
    where = scene(removals=True)
    where.operate("a", {"op": "remove", "packages": ["old0"]})
    where.upload("b", _other_old())
    world = where.world(turns=Script([("a", first), ("b", 10**6)]))
    assert world.run(queued(where, "a", "b")) == {"a": "published", "b": "rejected"}
    where.witness.settled()


def _refused_then_room(turns: tuple[int, int]) -> None:
    """x reads the queue while a, which refused it, is about to say so; then an operator makes room
    for it, and x goes on."""
    where = scene(removals=True)
    where.upload("a", fresh("a"))
    where.upload("x", {"old0_1_all.deb": deb("old0", "1", note="other")})
    where.operate("r", *WITHDRAW)
    jobs = queued(where, "a", "x", "r")
    script = [("a", turns[0]), ("x", turns[1]), ("a", 10**6), ("r", 10**6)]
    world = where.world(turns=Script(script))
    world.run(jobs)
    where.witness.settled()


def _one_after_the_other(first: int) -> None:
    where = scene()
    where.upload("a", fresh("a"))
    jobs = queued(where, "a")
    event = where.upload("b", fresh("b"))
    jobs["b"] = lambda press: press.publish(event)
    where.world(turns=Script([("a", first), ("b", 10**6)])).run(jobs)
    where.witness.settled()


def _fails(first: int, calls: int) -> None:
    where = scene()
    where.upload("a", fresh("a"))
    where.upload("b", fresh("b"))
    jobs = queued(where, "a", "b")
    jobs["a"] = lambda press: press.finish("stable", where.runs["a"], "failed")
    world = where.world(turns=Script([("b", first), ("a", calls), ("b", 10**6)]))
    world.run(jobs)
    assert not where.witness.corrected, "what was said was corrected"


def _without_conditions(results: Results, store: Any) -> None:
    """`Results` that puts whatever is there by then."""

    class Store:
        def __getattr__(self, name: str) -> Any:
            return getattr(store, name)

        def put(self, key: str, body: bytes, headers: Any, **_: Any) -> Any:
            return store.put(key, body, headers)

    results._store = Store()  # type: ignore[assignment]
