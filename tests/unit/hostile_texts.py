"""Finds slow regular expressions of the package, by long texts.

Run as a script it does so for all of them, and says which one it is at: a search in Python cannot be interrupted.
"""

from __future__ import annotations

import ast
import collections
import dataclasses
import importlib
import re
import sys
import time
from pathlib import Path

from sources import parsed

PACKAGE = "airflow_provider_taskcluster"
ROOT = Path(__file__).parents[2] / PACKAGE
METHODS = {"search", "match", "fullmatch", "sub", "split", "findall", "finditer"}
# Characters that patterns of messages, headers, names and paths treat apart.
CHARACTERS = ["a", "F", "0", " ", "\t", "\n", ".", "%", "`", "/", "<", '"', "\\", ";", "=", "-", "{", "é", "\0"]
LENGTH = 64 * 1024


def hostile_texts(pattern, length):
    """Texts made of what a pattern looks for, repeated, and ended in a way that it does not expect."""
    source = pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode("latin-1")
    literals = re.findall(r"[\w<>/:=\"`%;~ -]{2,}", source)
    for character in CHARACTERS:
        yield character * length + "\0"
        yield f"{character} " * (length // 2)
    for end in range(1, len(literals) + 1):
        first, *others = literals[:end]
        begun, rest = "".join(literals[:end]), "".join(others)
        yield _long(begun, length)
        yield _long(first, length // 2) + _long(rest or first, length // 2)
        yield "".join(_long(literal, length // end) for literal in literals[:end])
        for character in CHARACTERS:
            yield begun + character * length
            yield _long(begun + character, length)


def _long(text, length):
    return text * (length // len(text))


def slowest(pattern, methods, length=LENGTH, enough=1.0):
    """Seconds of processor time that the slowest text takes, or the first one that takes enough."""
    worst = 0.0
    for hostile in hostile_texts(pattern, length):
        text = hostile if isinstance(pattern.pattern, str) else hostile.encode()
        for method in methods:
            use = getattr(pattern, method)
            started = time.process_time()
            found = use(text[:0], text) if method == "sub" else use(text)
            if method == "finditer":
                collections.deque(found, maxlen=0)
            worst = max(worst, time.process_time() - started)
            if worst > enough:
                return worst
    return worst


def patterns():
    """Each regular expression of the package, with where it stands and how it is used."""
    files = sorted(ROOT.rglob("*.py"))
    used: dict[str, set[str]] = {}
    for path in files:
        for name, method in _uses(parsed(path)):
            used.setdefault(name, set()).add(method)
    seen = set()
    for path in files:
        if "re.compile" not in path.read_text():
            continue
        module = importlib.import_module(".".join([PACKAGE, *path.relative_to(ROOT).with_suffix("").parts]))
        for name, value in vars(module).items():
            for pattern in _patterns_in(value):
                if id(pattern) not in seen:
                    seen.add(id(pattern))
                    yield f"{path.relative_to(ROOT)}: {name}", pattern, used.get(name, METHODS)


def _patterns_in(value):
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, dict):
        yield from _patterns_in(list(value.values()))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _patterns_in(vars(item) if dataclasses.is_dataclass(item) else item)


def _uses(tree):
    """(name of a pattern, method) of each call of one."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in METHODS:
            owner = node.func.value
            owner = owner.value if isinstance(owner, ast.Subscript) else owner
            if isinstance(owner, ast.Name | ast.Attribute):
                yield getattr(owner, "id", None) or owner.attr, node.func.attr


if __name__ == "__main__":
    for where, pattern, methods in patterns():
        sys.stdout.write(f"{where} {sorted(methods)} ")
        sys.stdout.flush()
        sys.stdout.write(f"{slowest(pattern, methods):.3f}\n")
