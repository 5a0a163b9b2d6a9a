"""The rules of a key's rotation: which step may follow which, and how soon. Pure.

`announce` publishes the new certificate beside the old one, `dual` has both keys sign, `switch`
only the new one, and `retire` withdraws the old certificate. In this order, and with the waiting
times, no host meets a release that it can't verify. `back` undoes the last step.
docs/decisions/0007 has the reasons.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from debpress import codec
from debpress.clock import from_iso, iso
from debpress.config import RotationDays
from debpress.errors import RotationError
from debpress.records.rotation import Party, Rotation, Stage

STEPS = ("announce", "dual", "switch", "retire", "back")

_STAGE_OF = {
    "announce": Stage.ANNOUNCE,
    "dual": Stage.DUAL,
    "switch": Stage.SWITCH,
    "retire": Stage.NONE,
}
BEGINNING = Rotation(Stage.NONE, "", True, None, None, None)


@dataclass(frozen=True, slots=True)
class Asked:
    """A step that is asked for. A rotation's first step names the new signer in `to`, and, where
    several signers are configured, the old one in `off`. Both are URIs."""

    step: str
    to: str | None = None
    off: str | None = None


@dataclass(frozen=True, slots=True)
class ConfiguredSigners:
    """The configured URIs, in order; and the fingerprints of all known certificates by URI, also
    those of signers that are not configured."""

    configured: Sequence[str]
    fingerprints: Mapping[str, str]


def wanted(
    current: Rotation, asked: Asked, signers: ConfiguredSigners, days: RotationDays, now: datetime
) -> Rotation:
    """The record that follows the current one by a step, marked as not done. Raises RotationError
    saying what must come first."""
    return _Step(current, signers, days, now).wanted(asked)


def waits_for_deployment(record: Rotation, signers: ConfiguredSigners) -> bool:
    """Whether the announced signer is missing from the configuration. That is no error: it comes
    with the next deployment. For other signers that are missing, `standing.check` raises."""
    if record.stage is not Stage.ANNOUNCE or record.done or record.new is None:
        return False
    return not any(record.new.is_(uri, None) for uri in signers.configured)


def completed(record: Rotation, signers: ConfiguredSigners) -> Rotation:
    """The record with the new certificate's fingerprint, which is known once its signer was loaded.

    Raises RotationError where it is not known, and where the old and the new key are the same.
    """
    if record.new is None or record.new.fingerprint or record.stage is Stage.NONE:
        return record
    for uri in signers.configured:
        fingerprint = signers.fingerprints.get(uri) if record.new.is_(uri, None) else None
        if fingerprint is not None:
            if record.old and record.old.fingerprint == fingerprint:
                raise RotationError(
                    f"{record.new} is the key of {record.old}; go back, and name another"
                )
            return replace(record, new=replace(record.new, fingerprint=fingerprint))
    raise RotationError(f"no certificate of {record.new} was stored; take the step again")


class _Step:
    """Computes the record that a step leads to, or says why it can't be taken now."""

    def __init__(
        self, current: Rotation, signers: ConfiguredSigners, days: RotationDays, now: datetime
    ) -> None:
        self._current = current
        self._signers = signers
        self._days = days
        self._now = now

    def wanted(self, asked: Asked) -> Rotation:
        current = self._current
        if asked.step not in STEPS:
            raise RotationError(f"{asked.step!r} is no step; there is {', '.join(STEPS)}")
        if not current.done:
            return self._unfinished(asked)
        if asked.step == current.step and asked.step != "back":
            self._same(asked)
            return current
        if asked.step == "back":
            return self._back()
        if asked.step == "announce":
            return self._announce(asked)
        if asked.step == "dual" and current.stage is Stage.NONE:
            return self._both_sign_already(asked)
        order = [Stage.NONE, Stage.ANNOUNCE, Stage.DUAL, Stage.SWITCH, Stage.NONE]
        before = order[STEPS.index(asked.step)]
        if current.stage is not before:
            raise RotationError(f"{asked.step} comes after {before}; {_where(current)}")
        self._same(asked)
        self._not_too_soon(asked.step, current.stage, current.since)
        out = current.out
        if asked.step == "retire":
            out = (*out, _party(current.old))
        return self._next(_STAGE_OF[asked.step], asked.step, out=out)

    def _unfinished(self, asked: Asked) -> Rotation:
        current, before = self._current, self._current.before
        undone = before is None
        if asked.step == current.step or (undone and asked.step == "back"):
            self._same(asked)
            return current
        if asked.step == "back" and current.stage is Stage.ANNOUNCE and current.step == "announce":
            # `before` is not restored here: by now the new signer may be configured, and without
            # an entry in `out` it would sign though it was not announced.
            return self._back()
        # Undoing a step that is not done needs no waiting: hosts have been told nothing since.
        returns = before is not None and (
            asked.step == "back" or asked.step == before["step"] != "back"
        )
        if not returns or before is None:
            raise RotationError(
                f"the step {current.step} is not done; take it again, or go back first"
            )
        record = codec.decode(Rotation, before)
        return replace(record, done=False, before=None, history=current.history)

    def _same(self, asked: Asked) -> None:
        """Checks that the signers that a step names are those of the rotation under way."""
        for said, party in ((asked.to, self._current.new), (asked.off, self._current.old)):
            if said is not None and (party is None or not party.is_(said, self._fingerprint(said))):
                raise RotationError(
                    f"the rotation is from {self._current.old} to {self._current.new}, and "
                    f"{said} is another; go back first"
                )

    def _back(self) -> Rotation:
        current = self._current
        old, new = current.old, current.new
        if current.stage is Stage.ANNOUNCE:
            return self._next(Stage.NONE, "back", out=(*current.out, _party(new)))
        if current.stage is Stage.DUAL:
            if current.again is not None:
                # Hosts lost the old certificate if they upgraded their keyring after `retire`: they
                # need the time of a stage to get it again.
                self._not_too_soon("back", Stage.DUAL, current.again)
            return self._next(Stage.ANNOUNCE, "back")
        if current.stage is Stage.SWITCH:
            return self._next(Stage.DUAL, "back")
        if current.step == "retire" and old is not None:
            out = tuple(party for party in current.out if not party.is_(old.uri, old.fingerprint))
            # "" stands for a time that is not known yet: `done` sets it.
            return self._next(Stage.SWITCH, "back", out=out, again="")
        raise RotationError("there is no step to go back on")

    def _announce(self, asked: Asked) -> Rotation:
        if self._current.stage is not Stage.NONE:
            raise RotationError(f"a rotation is under way; {_where(self._current)}")
        if asked.to is not None and self._signs(Party(asked.to, self._fingerprint(asked.to))):
            raise RotationError(
                f"{asked.to} signs already. Beside another it was announced by the deployment that "
                f"brought it: go on with debpress key rotate dual --to {asked.to}"
            )
        return self._begun(Stage.ANNOUNCE, "announce", *self._parties(asked))

    def _both_sign_already(self, asked: Asked) -> Rotation:
        """The first step where the new signer was configured without `announce`: the deployment
        has published its certificate, and both keys sign already."""
        if asked.to is None or not self._signs(Party(asked.to, self._fingerprint(asked.to))):
            raise RotationError(f"dual comes after announce; {_where(self._current)}")
        return self._begun(Stage.DUAL, "dual", *self._parties(asked))

    def _begun(self, stage: Stage, step: str, old: Party, new: Party) -> Rotation:
        out = tuple(p for p in self._current.out if not p.is_(new.uri, new.fingerprint))
        return replace(self._next(stage, step, out=out), old=old, new=new, again=None)

    def _parties(self, asked: Asked) -> tuple[Party, Party]:
        if asked.to is None:
            raise RotationError("say by --to which signer is to take over")
        new = Party(asked.to, self._fingerprint(asked.to))
        signing = [
            Party(uri, self._fingerprint(uri))
            for uri in self._signers.configured
            if self._current.signs(uri, self._fingerprint(uri))
            and not new.is_(uri, self._fingerprint(uri))
        ]
        if asked.off is not None:
            signing = [party for party in signing if party.uri == asked.off]
        if len(signing) != 1:
            choice = ", ".join(map(str, signing)) or "none"
            raise RotationError(f"say by --from which signer is to stop; there is {choice}")
        if signing[0].fingerprint is None:
            raise RotationError(f"{signing[0]} never signed, so no host trusts it; deploy first")
        return signing[0], new

    def _signs(self, party: Party) -> bool:
        return any(
            party.is_(uri, self._fingerprint(uri))
            and self._current.signs(uri, self._fingerprint(uri))
            for uri in self._signers.configured
            if self._fingerprint(uri) is not None
        )

    def _fingerprint(self, uri: str) -> str | None:
        return self._signers.fingerprints.get(uri)

    def _next(
        self,
        stage: Stage,
        step: str,
        *,
        out: Sequence[Party] | None = None,
        again: str | None = None,
    ) -> Rotation:
        current = self._current
        before = {
            name: value
            for name, value in codec.encode(current).items()
            if name not in ("version", "before", "history")
        }
        return replace(
            current,
            stage=stage,
            step=step,
            done=False,
            since=None,
            out=current.out if out is None else tuple(out),
            again=current.again if again is None else again,
            before=before,
        )

    def _not_too_soon(self, step: str, stage: Stage, since: str | None) -> None:
        days = self._days.of(str(stage))
        first = from_iso(since or iso(self._now)) + timedelta(days=days)
        if self._now < first:
            raise RotationError(
                f"{step} is due {iso(first)} at the earliest, {days} days after {since} "
                f"(debpress.rotation_days.{stage}); until then: {HOSTS[stage]}"
            )


def _party(party: Party | None) -> Party:
    assert party is not None  # Every stage but `none` has an old and a new party.
    return party


def _where(record: Rotation) -> str:
    if record.stage is Stage.NONE:
        return "no rotation is under way: begin with announce --to SIGNER"
    return f"it stands at {record.stage}, from {record.old} to {record.new}"


def done(record: Rotation, now: datetime) -> Rotation:
    """The record with its step marked as done, at `now`."""
    at = iso(now)
    taken = {"at": at, "step": record.step, "stage": str(record.stage)}
    parties = {"old": str(record.old), "new": str(record.new)}
    return replace(
        record,
        done=True,
        since=record.since or at,
        again=record.again if record.again != "" else at,
        before=None,
        history=(*record.history, {**taken, **parties}),
    )


HOSTS = {
    Stage.ANNOUNCE: "bring hosts the new certificate (apt upgrade of the keyring package, or "
    "key.asc); each goes on with the old one alone",
    Stage.DUAL: "the last host must get the new certificate before the old key stops; hosts with "
    "either go on",
    Stage.SWITCH: "hosts with the old certificate alone fail (NO_PUBKEY): bring them the new one, "
    "or go back, which needs nothing of hosts",
    Stage.NONE: "hosts need nothing; the keyring package takes what is retired from them",
}
