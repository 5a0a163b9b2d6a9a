"""Ends the emulator, and the functions it runs, when the process that started it is gone.

Who starts us holds the other end of our standard input, and holds it alone; the kernel closes it
when that process ends, by SIGKILL too, which leaves no process time for a `finally` of its own.

PR_SET_PDEATHSIG needs no thread, but it tells of the end of the thread that started us, not of its
process, and only Linux has it; and a function's process, which we start, would not get the signal.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading

# A session of its own, or it would end with the group before it could remove anything.
_LAST = 'kill -KILL -- "-$1"; test -z "$2" || rm -rf -- "$2"'


def watch() -> None:
    """Waits beside all else until standard input ends, then ends our process group.

    What comes from standard input until then is the name of the folder to remove afterwards. We
    must lead the group: no other group is ever ended.
    """
    threading.Thread(target=_end_with_parent, name="orphan", daemon=True).start()


def _end_with_parent() -> None:
    folder = b""
    # Not sys.stdin: a thread that waits in there would keep the interpreter from ending by itself.
    while part := os.read(0, 4096):
        folder += part
    try:
        command = ["sh", "-c", _LAST, "sh", str(os.getpid()), os.fsdecode(folder)]
        subprocess.run(command, start_new_session=True, check=False)
    finally:  # Only reached where there is no shell.
        os.killpg(os.getpid(), signal.SIGKILL)
