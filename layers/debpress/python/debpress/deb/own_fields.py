"""Fields of a control file to which dpkg gives a meaning of its own.

Of a field that dpkg does not know it takes any value. These it reads as it unpacks: for some it
refuses the package (dpkg 1.21 to 1.23, lib/dpkg/fields.c), others make of it what no index says.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from debpress.deb import grammar
from debpress.errors import Code
from debpress.findings import Report, shown

# dpkg keeps these of what is installed: `dpkg -s` shows them, and no package may say them.
_STATUS = ("Status", "Config-Version", "Triggers-Pending", "Triggers-Awaited")
# What was said by these until 1996 (Policy, appendix on obsolete fields), dpkg still hears: an
# installed package then has another version than the index says, or other dependencies, and apt
# installs it again at every turn.
_OBSOLETE = {
    "Revision": "Version",
    "Package-Revision": "Version",
    "Package_Revision": "Version",
    "Recommended": "Recommends",
    "Optional": "Suggests",
    "Class": "Priority",
}
_RELATIONS = ("Recommended", "Optional")
# Each names the parts of a split package, in as many words as the others.
_PARTS = ("Filename", "Size", "MD5sum", "MSDOS-Filename")
_PRIORITIES = ("required", "important", "standard", "optional", "extra", "unknown")
_CONFFILE_FLAGS = ("remove-on-upgrade", "obsolete")


def check(text: Mapping[str, str], report: Report, tolerate: Report) -> None:
    """Reports what dpkg would refuse; and, as what hosts can live with, what it would take for
    something else. `text` has the fields' names in lower case.
    """
    for field in _STATUS:
        if field.lower() in text:
            report(
                Code.CONTROL_MALFORMED,
                f"its control file has {field}, which is dpkg's own word on what is installed, and "
                "dpkg refuses to unpack it; leave it out",
            )
    for field, now in _OBSOLETE.items():
        if field.lower() in text:
            _obsolete(field, now, tolerate)
            if field in _RELATIONS:
                _check_relations(field, text[field.lower()], report)
    _check_conffiles(text.get("conffiles", ""), report)
    _check_parts(text, report)
    _check_priority(text.get("priority", "").lower(), report)


def _obsolete(field: str, now: str, tolerate: Report) -> None:
    tolerate(
        Code.CONTROL_MALFORMED,
        f"its control file has {field}, which dpkg takes for an old word for {now} and the index "
        f"does not; write {now}, or indent the line if it belongs to the one before",
    )


def _check_relations(field: str, value: str, report: Report) -> None:
    for part in grammar.bad_relations(value, alternatives=True):
        report(
            Code.RELATION_MALFORMED,
            f"its {field} has {shown(part.strip())} where dpkg reads the name of a package, so "
            "that it refuses to unpack it; leave the field out",
        )


def _check_conffiles(value: str, report: Report) -> None:
    first, *lines = value.split("\n")
    for line in ([first] if first else []) + [each for each in lines if not _is_conffile(each)]:
        report(
            Code.CONTROL_MALFORMED,
            f"its control file has a field Conffiles with {shown(line)}, for which dpkg refuses to "
            "unpack it; leave the field out, and name the files in conffiles",
        )


def _is_conffile(line: str) -> bool:
    """Whether it is a blank, a path, the sum it had, and perhaps what became of it."""
    path, blank, word = line[1:].rpartition(" ")
    for flag in _CONFFILE_FLAGS:
        if word == flag and len(path) > 1:
            path, blank, word = path.rpartition(" ")
    relative = re.match(r"(?:/|\./)*(.*)", path)
    named = relative is not None and bool(relative[1])
    return line.startswith(" ") and bool(blank and word) and len(path) > 1 and named


def _check_parts(text: Mapping[str, str], report: Report) -> None:
    counts = {name: len(text[name.lower()].split()) for name in _PARTS if name.lower() in text}
    if 0 in counts.values() or len(set(counts.values())) > 1:
        report(
            Code.CONTROL_MALFORMED,
            f"its control file has {' and '.join(counts)}, of no or not equally many words, for "
            "which dpkg refuses to unpack it; leave them out",
        )


def _check_priority(value: str, report: Report) -> None:
    known = next((each for each in _PRIORITIES if value.startswith(each)), None)
    if known is not None and value.removeprefix(known).strip():
        report(
            Code.CONTROL_MALFORMED,
            f"its Priority is {shown(value)}, for which dpkg refuses to unpack it; write {known}",
        )
