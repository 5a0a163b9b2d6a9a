"""Writes the corpus: a folder for each case, with its files, manifest and expected answer."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.corpus.all import bad, good


def main() -> int:
    if len(sys.argv) != 2:
        print("usage: python -m tests.corpus FOLDER", file=sys.stderr)
        return 2
    for kind, cases in (("good", good()), ("bad", bad())):
        for case in cases:
            place = Path(sys.argv[1], kind, case.name)
            place.mkdir(parents=True)
            for name, body in (*case.files.items(), case.manifest):
                (place / name).write_bytes(body)
            fields = [{k: v.decode("latin-1") for k, v in each.items()} for each in case.stanzas]
            expected = {"errors": [*case.errors], "stanzas": fields, "ignored": [*case.ignored]}
            (place / "expected.json").write_text(json.dumps(expected, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
