"""A key's rotation, step by step: what each needs, what it refuses, and where it may die."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from debpress import codec
from debpress.errors import CorruptError, DebpressError, RotationError, SigningError
from debpress.layout import Layout
from debpress.records.rotation import Rotation as Record
from debpress.records.rotation import Stage

from tests.support.press import debs
from tests.support.rotation import DAYS, Rotation

# Who signs and whom hosts are told to trust, by stage.
WHO = {
    "none": (["old"], ["old"]),
    "announce": (["old"], ["old", "new"]),
    "dual": (["old", "new"], ["old", "new"]),
    "switch": (["new"], ["old", "new"]),
}


@pytest.fixture
def rotation() -> Rotation:
    return Rotation()


def stands(rotation: Rotation, stage: str) -> bool:
    signing, published = WHO[stage]
    assert rotation.published() == published
    for suite in ("stable", "testing"):
        assert rotation.signed_by(suite) == signing, suite
    assert rotation.publish(f"p{len(rotation.record.history)}-{stage}") == "published"
    return rotation.signed_by() == signing and rotation.record.done


# Forward


def test_without_a_rotation_every_configured_signer_signs_and_is_published() -> None:
    both = Rotation("old", "new")
    assert both.signed_by() == both.published() == ["old", "new"]


def test_each_stage_signs_by_its_keys_and_tells_hosts_of_its_certificates(
    rotation: Rotation,
) -> None:
    rotation.take("announce", "new")
    rotation.deploy("old", "new")
    assert rotation.take("announce")["done"]
    assert stands(rotation, "announce")
    rotation.wait(DAYS.announce)
    rotation.take("dual")
    assert stands(rotation, "dual")
    rotation.wait(DAYS.dual)
    rotation.take("switch")
    assert stands(rotation, "switch")
    rotation.wait(DAYS.switch)
    rotation.take("retire")
    assert rotation.signed_by() == rotation.published() == ["new"]
    assert [each["step"] for each in rotation.record.history] == [
        "announce",
        "dual",
        "switch",
        "retire",
    ]


def test_an_announced_signer_waits_for_its_deployment_and_signs_nothing_meanwhile(
    rotation: Rotation,
) -> None:
    record = rotation.take("announce", "new")
    assert not record["done"]
    assert rotation.signed_by() == rotation.published() == ["old"]
    rotation.deploy("old", "new")
    # The deployment minted and published it, and nobody needs it yet.
    assert rotation.signed_by() == ["old"]
    assert rotation.published() == ["old", "new"]
    assert rotation.take("announce", "new")["new"]["fingerprint"] == rotation.fingerprint("new")


def test_a_certificate_that_the_step_itself_mints_is_published_with_it(rotation: Rotation) -> None:
    rotation.take("announce", "new")
    rotation.take("back")
    rotation.deploy("old", "new")
    assert rotation.signed_by() == rotation.published() == ["old"]
    rotation.take("announce", "new")
    assert stands(rotation, "announce")


def test_a_retired_signer_never_signs_again_however_it_is_configured(rotation: Rotation) -> None:
    rotation.stand_at("retire")
    pinned = f"{rotation.uris['old']}#{rotation.fingerprint('old')}"
    for signers in (("old", "new"), (pinned, "new")):
        rotation.deploy(*signers)
        assert rotation.signed_by() == rotation.published() == ["new"]
    with pytest.raises(RotationError, match="were retired"):
        rotation.deploy("old")
    rotation.deploy("new")
    assert rotation.publish("after") == "published"


def test_a_retired_key_is_not_asked_for_so_it_may_be_disabled(rotation: Rotation) -> None:
    rotation.stand_at("retire")
    rotation.kms.state(rotation.uris["old"].removeprefix("awskms:"), "Disabled")
    assert rotation.publish("after") == "published"


def test_a_pin_added_in_the_middle_changes_nothing(rotation: Rotation) -> None:
    rotation.stand_at("announce")
    pinned = f"{rotation.uris['new']}#{rotation.fingerprint('new')}"
    rotation.deploy("old", pinned)
    assert rotation.signed_by() == ["old"]
    rotation.wait(DAYS.announce)
    rotation.take("dual")
    assert rotation.signed_by() == ["old", "new"]


def test_signers_beside_the_two_sign_all_the_while() -> None:
    rotation = Rotation("old", "third")
    with pytest.raises(RotationError, match="say by --from"):
        rotation.take("announce", "new")
    rotation.take("announce", "new", off="old")
    rotation.deploy("old", "third", "new")
    rotation.take("announce", "new", off="old")
    assert rotation.signed_by() == ["old", "third"]
    rotation.wait(DAYS.announce)
    rotation.take("dual")
    assert rotation.signed_by() == ["old", "new", "third"]
    rotation.wait(DAYS.dual)
    rotation.take("switch")
    assert rotation.signed_by() == ["new", "third"]


def test_a_second_rotation_follows_the_first_even_back_to_the_retired_key(
    rotation: Rotation,
) -> None:
    rotation.stand_at("retire")
    rotation.take("announce", "old")
    assert rotation.signed_by() == ["new"]
    assert rotation.published() == ["old", "new"]
    rotation.wait(DAYS.announce)
    rotation.take("dual")
    assert rotation.signed_by() == ["old", "new"]


def test_signers_deployed_before_they_were_announced_begin_with_dual() -> None:
    both = Rotation("old", "new")
    with pytest.raises(RotationError, match="dual --to"):
        both.take("announce", "new")
    both.take("dual", "new", off="old")
    assert both.signed_by() == ["old", "new"]
    with pytest.raises(RotationError, match="5 days"):
        both.take("switch")
    both.wait(DAYS.dual)
    both.take("switch")
    assert both.signed_by() == ["new"]


def test_a_step_is_done_only_when_every_suite_is_seen_to_be_signed_so(
    rotation: Rotation, monkeypatch: pytest.MonkeyPatch
) -> None:
    rotation.stand_at("announce")
    rotation.wait(DAYS.announce)
    real = rotation.start

    def all_but_one(data: dict[str, str]) -> str:
        return "done" if data["suite"] == "testing" else real(data)

    monkeypatch.setattr(rotation, "start", all_but_one)
    with pytest.raises(SigningError, match="suite testing is signed by"):
        rotation.take("dual")
    assert not rotation.record.done
    monkeypatch.undo()
    rotation.take("dual")
    assert stands(rotation, "dual")


# Refusals


@pytest.mark.parametrize(
    ("stage", "refused"),
    [
        ("announce", ["switch", "retire"]),
        ("dual", ["announce", "retire"]),
        ("switch", ["announce", "dual"]),
        ("retire", ["dual", "switch"]),
    ],
)
def test_no_step_is_taken_out_of_turn(rotation: Rotation, stage: str, refused: list[str]) -> None:
    rotation.stand_at(stage)
    rotation.wait(1000)
    before = rotation.store.get(Layout.rotation())
    for step in refused:
        with pytest.raises(RotationError):
            rotation.take(step, "new")
    assert rotation.store.get(Layout.rotation()).body == before.body  # type: ignore[union-attr]


@pytest.mark.parametrize("step", ["dual", "switch", "retire", "back"])
def test_there_is_no_step_before_the_first(rotation: Rotation, step: str) -> None:
    with pytest.raises(RotationError):
        rotation.take(step)
    assert rotation.store.get(Layout.rotation()) is None


@pytest.mark.parametrize(
    ("stage", "step", "days"),
    [
        ("announce", "dual", DAYS.announce),
        ("dual", "switch", DAYS.dual),
        ("switch", "retire", DAYS.switch),
    ],
)
def test_no_step_is_taken_too_soon(rotation: Rotation, stage: str, step: str, days: int) -> None:
    rotation.stand_at(stage)
    # A minute before: the steps took some seconds themselves.
    rotation.wait(days - 60 / 86400)
    with pytest.raises(RotationError, match=f"at the earliest, {days} days"):
        rotation.take(step)
    assert stands(rotation, stage)
    rotation.wait(60 / 86400)
    rotation.take(step)


def test_the_wait_begins_when_a_step_is_done_not_when_it_was_begun(rotation: Rotation) -> None:
    rotation.take("announce", "new")
    rotation.wait(DAYS.announce)
    rotation.deploy("old", "new")
    rotation.take("announce")
    with pytest.raises(RotationError, match="at the earliest"):
        rotation.take("dual")


@pytest.mark.parametrize("stage", ["dual", "switch"])
def test_a_deployment_without_a_key_that_the_stage_needs_fails(
    rotation: Rotation, stage: str
) -> None:
    rotation.stand_at(stage)
    for left in ("old", "new"):
        with pytest.raises(RotationError, match="configure it again"):
            rotation.deploy(left)


def test_an_unannounced_key_can_not_replace_the_old_one_while_a_rotation_stands(
    rotation: Rotation,
) -> None:
    rotation.stand_at("announce")
    with pytest.raises(RotationError, match="configure it again"):
        rotation.deploy("new")
    assert rotation.signed_by() == ["old"]


def test_a_key_is_not_rotated_to_itself_nor_to_nothing(rotation: Rotation) -> None:
    with pytest.raises(RotationError, match="signs already"):
        rotation.take("announce", "old")
    with pytest.raises(RotationError, match="--to"):
        rotation.take("announce")
    arn = rotation.uris["old"].removeprefix("awskms:")
    rotation.kms.alias("same", arn)
    rotation.take("announce", "awskms:alias/same")
    rotation.deploy("old", "awskms:alias/same")
    with pytest.raises(DebpressError, match="is the key of"):
        rotation.take("announce")


def test_another_signer_than_the_rotation_s_is_refused(rotation: Rotation) -> None:
    rotation.stand_at("announce")
    rotation.wait(DAYS.announce)
    with pytest.raises(RotationError, match="is another"):
        rotation.take("dual", "third")


def test_a_damaged_record_stops_everything_and_says_what_to_do(rotation: Rotation) -> None:
    rotation.stand_at("announce")
    rotation.store.put(Layout.rotation(), b'{"version": 2}')
    with pytest.raises(CorruptError, match="restore its earlier version"):
        rotation.take("dual")
    with pytest.raises(CorruptError):
        rotation.publish("never")


def test_two_at_once_one_step_is_taken(rotation: Rotation) -> None:
    rotation.stand_at("announce")
    rotation.wait(DAYS.announce)
    store = rotation.store

    def other(_operation: str, key: str) -> None:
        if key == Layout.rotation():
            store.on_write = None
            record = replace(rotation.record, history=())
            store.put(key, codec.dump(record))

    store.on_write = other
    with pytest.raises(RotationError, match="meanwhile"):
        rotation.take("dual")
    assert rotation.signed_by() == ["old"]


# Back


@pytest.mark.parametrize(
    ("stage", "earlier"), [("announce", "none"), ("dual", "announce"), ("switch", "dual")]
)
def test_each_step_can_be_gone_back_on(rotation: Rotation, stage: str, earlier: str) -> None:
    rotation.stand_at(stage)
    rotation.take("back")
    assert stands(rotation, earlier)


def test_all_the_way_back_and_forth_again(rotation: Rotation) -> None:
    rotation.stand_at("switch")
    for stage in ("dual", "announce", "none"):
        rotation.take("back")
        assert stands(rotation, stage)
    rotation.deploy("old", "new")
    assert stands(rotation, "none")
    rotation.take("announce", "new")
    assert stands(rotation, "announce")
    with pytest.raises(RotationError, match="at the earliest"):
        rotation.take("dual")


def test_a_retired_certificate_is_published_again_long_before_it_may_sign_alone(
    rotation: Rotation,
) -> None:
    rotation.stand_at("retire")
    rotation.take("back")
    assert stands(rotation, "switch")
    rotation.take("back")
    assert stands(rotation, "dual")
    with pytest.raises(RotationError, match="at the earliest, 5 days"):
        rotation.take("back")
    rotation.wait(DAYS.dual)
    rotation.take("back")
    assert stands(rotation, "announce")


# Dying


class Death(Exception):  # noqa: N818
    pass


@pytest.mark.parametrize(
    ("stage", "step"),
    [
        ("none", "announce"),
        ("announce", "dual"),
        ("dual", "switch"),
        ("switch", "retire"),
        ("announce", "back"),
        ("dual", "back"),
        ("switch", "back"),
        ("retire", "back"),
    ],
)
def test_a_step_that_dies_after_any_write_is_finished_or_undone(stage: str, step: str) -> None:
    rotation = _ready(stage)
    store, before = rotation.store, _seen(rotation)
    ready = store.snapshot()
    to = "new" if step == "announce" else None

    def die(at: int) -> None:
        """Takes the step, dies after its write number `at`, and looks how hosts are."""
        store.restore(ready)
        store.fail_at(at, "after", Death())
        with pytest.raises(Death):
            rotation.take(step, to)
        now = set(rotation.signers())
        assert now & set(before[1]), "hosts of the stage before"
        for file in ("key.gpg", "key.asc", "stable.sources"):
            assert now & rotation.trusted_by(file), f"hosts that are set up by {file} now"

    rotation.take(step, to)
    after = _seen(rotation)
    written = store.log[len(ready.log) :]
    deaths = [at for at, write in enumerate(written, 1) if TELLING.search(write.key)]
    assert len(deaths) >= 6
    for at in deaths:
        die(at)
        if not rotation.record.done:
            rotation.take(step, to)
        assert (_seen(rotation), rotation.record.done) == (after, True)
        die(at)
        if rotation.record.done or step == "back":
            continue  # Only the answer was lost; and what goes back is finished, as above.
        rotation.take("back")
        assert (_seen(rotation), rotation.record.done) == (before, True)


# What hosts read, what is about to be, and the record: the rest shows nowhere.
TELLING = re.compile(r"_rotation|/signed/|InRelease|key\.|keyring\.deb|\.sources")


def _ready(stage: str) -> Rotation:
    rotation = Rotation()
    if stage == "none":
        rotation.take("announce", "new")
        rotation.deploy("old", "new")
        rotation.take("announce")
        rotation.take("back")
    else:
        rotation.stand_at(stage)
    rotation.wait(100)
    return rotation


def _seen(rotation: Rotation) -> tuple[list[str], list[str]]:
    return rotation.signers(), rotation.published()


def test_an_undone_step_keeps_the_time_of_the_stage_before(rotation: Rotation) -> None:
    rotation.stand_at("dual")
    since = rotation.record.since
    rotation.wait(DAYS.dual)
    rotation.kms.fail("KMSInternalException")
    with pytest.raises(DebpressError):
        rotation.take("switch")
    assert not rotation.record.done
    with pytest.raises(RotationError, match="is not done"):
        rotation.take("retire")
    rotation.take("back")
    assert rotation.record.since == since
    assert stands(rotation, "dual")


def test_going_back_to_a_key_that_is_gone_is_undone_without_waiting(rotation: Rotation) -> None:
    rotation.stand_at("switch")
    since = rotation.record.since
    rotation.kms.state(rotation.uris["old"].removeprefix("awskms:"), "PendingDeletion")
    with pytest.raises(SigningError):
        rotation.take("back")
    rotation.take("switch")
    assert stands(rotation, "switch")
    assert rotation.record.since == since


# In between


def test_a_release_signed_before_a_step_is_signed_again_instead_of_committed(
    rotation: Rotation,
) -> None:
    rotation.stand_at("dual")
    rotation.wait(DAYS.dual)
    started = rotation.press.upload("slow", debs(("slow", "1", "all")))
    steps = rotation.press.steps(started)
    for _ in range(4):  # Opened, admitted, merged, signed by both.
        next(steps)
    record = replace(rotation.record, stage=Stage.SWITCH, step="switch", done=False)
    rotation.store.put(Layout.rotation(), codec.dump(record))
    assert [*steps][-1] == "published"
    assert rotation.signed_by() == ["new"]
    assert rotation.press.result("slow")["status"] == "published"


def test_the_record_is_what_it_was_when_it_is_read_again(rotation: Rotation) -> None:
    rotation.stand_at("retire")
    rotation.take("back")
    record = rotation.record
    assert codec.load(Record, codec.dump(record), Layout.rotation()) == record


def test_hosts_files_are_not_written_again_where_they_are_right(rotation: Rotation) -> None:
    rotation.stand_at("announce")
    written = len(rotation.store.log)
    rotation.wait(DAYS.announce)
    rotation.take("dual")
    keys = {write.key for write in rotation.store.log[written:]}
    assert Layout.rotation() in keys
    assert not {key for key in keys if re.fullmatch(r"apt/[^/]*", key)}
