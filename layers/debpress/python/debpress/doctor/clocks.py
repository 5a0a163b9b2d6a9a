"""Whether the clocks agree: this machine's with S3's, and the signing function's with S3's."""

from __future__ import annotations

from datetime import datetime

from debpress.doctor.findings import Finding, Unseen, ok, unseen, warning, wrong

_ABOUT = "clock"
# Signatures of requests are refused from here on (S3, `RequestTimeTooSkewed`).
_REFUSED = 900.0
# apt refuses a Date that is ten seconds ahead of its own clock.
_AHEAD = 10.0


def check(here: datetime, s3: datetime | Unseen) -> Finding:
    """S3 tells whole seconds, and the answer takes some time: a second or two is no difference."""
    if isinstance(s3, Unseen):
        return unseen(_ABOUT, "S3's clock", s3)
    off = (here - s3).total_seconds()
    if abs(off) < _AHEAD:
        return ok(_ABOUT, f"this machine's and S3's agree to {max(1, round(abs(off)))} s")
    way = "ahead of" if off > 0 else "behind"
    message = f"this machine's is {abs(off):.0f} s {way} S3's"
    remedy = "set it right", "timedatectl set-ntp true"
    return (
        wrong(_ABOUT, message, *remedy)
        if abs(off) >= _REFUSED
        else warning(_ABOUT, f"{message}, so times told here are off", *remedy)
    )
