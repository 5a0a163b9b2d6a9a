"""Real apt on what a pin can name: we refuse an Origin or Label that none could, and no other."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest
from debpress import config, pins
from debpress.errors import ConfigError

from local.apt_root import AptRoot
from tests.support.apt_judges import GOOD, placed

pytestmark = pytest.mark.skipif(
    shutil.which("apt-get") is None, reason="NOT VERIFIED against apt: no apt-get here"
)

PACKAGES = placed(GOOD)

TEXTS = {
    "Example": True,
    "Example Inc.": True,
    "two  blanks": True,
    "colons: and = and ; # too": True,
    "\"quoted\" 'words'": True,
    "caf\u00e9 \u4e2d": True,
    "stars * and ? marks": True,
    "half/way": True,
    "/begins": True,
    "ends/": True,
    "now": True,
    "a" * 297: True,
    "Example, Inc.": False,
    ",": False,
    "a" * 298: False,
    "\u00e9" * 149: False,
    "/a(b/": False,
    "a\\b": False,
    "[debian]": False,
}


def repository(folder: Path, field: str, text: str) -> AptRoot:
    (folder / "repository/dists/lab/main/binary-amd64").mkdir(parents=True)
    (folder / "repository/dists/lab/main/binary-amd64/Packages").write_bytes(PACKAGES)
    fields = {"Origin": "other", "Label": "other", "Suite": "lab", "Codename": "lab", field: text}
    listed = f"{hashlib.sha256(PACKAGES).hexdigest()} {len(PACKAGES)}"
    (folder / "repository/dists/lab/Release").write_text(
        "".join(f"{name}: {value}\n" for name, value in fields.items())
        + "Date: Sun, 01 Jun 2025 12:00:00 UTC\nArchitectures: amd64\nComponents: main\n"
        + f"SHA256:\n {listed} main/binary-amd64/Packages\n"
    )
    source = f"deb [trusted=yes arch=amd64] file:{folder}/repository lab main"
    root = AptRoot(folder / "root", source)
    root.run("apt-get", "update")
    return root


@pytest.mark.parametrize("field", ["Origin", "Label"])
def test_a_pin_matches_what_we_take_and_nothing_that_we_refuse(tmp_path: Path, field: str) -> None:
    for number, (text, good) in enumerate(TEXTS.items()):
        root = repository(tmp_path / str(number), field, text)
        (root.path / "etc/apt/preferences.d/it").write_text(
            f"Package: *\nPin: release {field[0].lower()}={text}\nPin-Priority: 990\n"
        )
        said = root.run("apt-cache", "policy").out
        assert "release o=" in said
        assert (" 990 file:" in said, pins.unmatched(text) is None) == (good, good), text


@pytest.mark.parametrize("key", ["origin", "label"])
def test_the_configuration_says_why(key: str) -> None:
    suite = {"suite": "stable", "architectures": ["amd64"], "origin": "a", key: "Example, Inc."}
    with pytest.raises(ConfigError, match=rf"^debpress\.suites\[0\]\.{key}: .* comma"):
        config.parse({"suites": [suite]})
