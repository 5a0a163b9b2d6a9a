"""The function at the edge, run as CloudFront runs it: by its events, and by its store of tokens.

Two engines run it: njs, of which CloudFront's runtime is made (an older one than CloudFront's), so
that a word which that does not know is found here; and node, which is stricter about modules.
"""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

ENGINES = ("njs", "node")

_STORE = "import cf from 'cloudfront';\n"
# `get` gives a promise that fails for a key that is not there (CloudFront developer guide, "Helper
# methods for key value stores").
_HARNESS = """
const cf = { kvs: () => ({ get: async (key, options) => {
    LOOKED.push(key);
    if (!Object.prototype.hasOwnProperty.call(TOKENS, key)) { throw new Error('KeyNotFound'); }
    return options && options.format === 'json' ? JSON.parse(TOKENS[key]) : TOKENS[key];
} }) };
"""
_RUN = """
Date.now = () => NOW;
async function run() {
    for (let i = 0; i < EVENTS.length; i++) {
        LOOKED.length = 0;
        const answer = await handler(EVENTS[i]);
        // A line each: this njs prints no more than 2,048 characters of one.
        console.log(JSON.stringify({ answer: answer, looked: LOOKED }));
    }
}
run();
"""


@dataclass(frozen=True, slots=True)
class Edge:
    """`tokens` are the texts in the store by their keys; `folder` is for the program."""

    code: str
    engine: str
    folder: Path
    now: datetime
    tokens: dict[str, str] = field(default_factory=dict)

    def ask(self, *events: Mapping[str, Any]) -> list[dict[str, Any]]:
        """For each event what the function gives back, as `answer`, and which keys of the store it
        `looked` at. Whatever else it says is an error."""
        assert self.code.startswith(_STORE)
        given = {
            "TOKENS": self.tokens,
            "EVENTS": events,
            "NOW": int(self.now.timestamp() * 1000),
            "LOOKED": [],
        }
        constants = "".join(f"const {name} = {json.dumps(each)};\n" for name, each in given.items())
        program = f"{constants}{_HARNESS}{self.code.removeprefix(_STORE)}{_RUN}"
        return [json.loads(line) for line in self.run(program).splitlines()]

    def run(self, program: str) -> str:
        """What a program prints."""
        file = self.folder / "program.mjs"
        file.write_text(program, "utf-8")
        done = subprocess.run(
            [self.engine, file], capture_output=True, text=True, check=False, timeout=60
        )
        assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
        return done.stdout


def event(uri: str, header: str | None = None, method: str = "GET") -> dict[str, Any]:
    """A viewer's request (CloudFront developer guide, "CloudFront Functions event structure")."""
    headers = {
        "host": {"value": "packages.example.org"},
        "user-agent": {"value": "Debian APT-HTTP"},
    }
    if header is not None:
        headers["authorization"] = {"value": header}
    return {
        "version": "1.0",
        "context": {
            "distributionDomainName": "d111111abcdef8.cloudfront.net",
            "distributionId": "E2QWRUHAPOMQZL",
            "eventType": "viewer-request",
            "requestId": "EXAMPLEntjQpEXAMPLE_SG5Z-EXAMPLEPmPfEXAMPLEu3EqEXAMPLE==",
        },
        "viewer": {"ip": "198.51.100.11"},
        "request": {
            "method": method,
            "uri": uri,
            "querystring": {},
            "headers": headers,
            "cookies": {},
        },
    }


def basic(name: str, secret: str) -> str:
    """The header by which apt says who it is."""
    return f"Basic {base64.b64encode(f'{name}:{secret}'.encode()).decode()}"


def statuses(answers: Sequence[Mapping[str, Any]]) -> list[int]:
    """Of each answer its status; 200 of a request that goes on to the cache."""
    return [each["answer"].get("statusCode", 200) for each in answers]
