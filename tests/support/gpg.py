"""Keys made by the real gpg, each in a home of its own, whose clock tests set."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# What tests lock keys with: not ASCII, and with blanks.
PASSPHRASE = "grün ist die Hoffnung"


class GpgError(AssertionError):
    """gpg ended with an error, which the text is."""


class Gpg:
    """One home. `when` is a time as gpg writes it: `20250601T120000`."""

    def __init__(self, home: Path, passphrase: str = PASSPHRASE) -> None:
        self.home = home
        self.passphrase = passphrase

    def run(self, *arguments: str, text: bytes = b"", when: str = "20250101T000000") -> bytes:
        command = ["gpg", "--homedir", str(self.home), "--batch", "--no-tty", "--quiet"]
        command += ["--pinentry-mode", "loopback", "--passphrase", self.passphrase]
        command += ["--faked-system-time", f"{when}!", *arguments]
        done = subprocess.run(command, input=text, capture_output=True, check=False, timeout=120)
        if done.returncode:
            raise GpgError(done.stderr.decode())
        return done.stdout

    def make(
        self,
        algorithm: str = "ed25519",
        usage: str = "sign",
        life: str = "never",
        user: str = "Läb <lab@example.org>",
    ) -> str:
        """A new key's fingerprint. Once in some thousands gpg-agent 2.2 can't open the key that it
        locked a moment before and says so; the key is of no use and another is made."""
        for last in (False, False, True):
            try:
                self.run("--quick-gen-key", user, algorithm, usage, life)
                break
            except GpgError as error:
                if last or "Corrupted protection" not in str(error):
                    raise
        return self.fingerprints()[0]

    def add(self, algorithm: str, usage: str, when: str = "20250102T000000") -> str:
        """A new subkey's fingerprint."""
        self.run("--quick-add-key", self.fingerprints()[0], algorithm, usage, "never", when=when)
        return self.fingerprints()[-1]

    def fingerprints(self) -> list[str]:
        """The primary key's, and its subkeys' in order."""
        listed = self.run("--with-colons", "--list-keys").decode()
        return re.findall(r"^fpr:+([0-9A-F]{40}):", listed, re.MULTILINE)

    def secret(self, *options: str, armored: bool = True) -> bytes:
        return self.run(*(("--armor",) if armored else ()), *options, "--export-secret-keys")

    def certificate(self) -> bytes:
        return self.run("--export")


@contextmanager
def gpg(passphrase: str = PASSPHRASE) -> Iterator[Gpg]:
    # Below /tmp itself: an agent's socket must have a short path.
    folder = Path(tempfile.mkdtemp(prefix="debpress-test-gpg-", dir="/tmp"))
    # Else each agent spends a second on finding out how slow a passphrase should be.
    (folder / "gpg-agent.conf").write_text("s2k-count 65536\n")
    try:
        yield Gpg(folder, passphrase)
    finally:
        kill = ["gpg-connect-agent", "--homedir", str(folder), "--no-autostart", "killagent"]
        subprocess.run([*kill, "/bye"], capture_output=True, check=False, timeout=60)
        shutil.rmtree(folder, ignore_errors=True)
