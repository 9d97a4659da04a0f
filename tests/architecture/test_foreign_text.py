"""Text of tasks, stores and services reaches no log, error or result but through ``messages``: read from the source.

Errors of ours need no look here: their root makes any message fit (``test_exceptions``).
"""

from __future__ import annotations

import ast
import builtins
import re
from pathlib import Path

import pytest
from sources import parsed

ROOT = Path(__file__).parents[2] / "airflow_provider_taskcluster"
FILES = [path for path in sorted(ROOT.rglob("*.py")) if "emulator" not in path.parts]
# What makes text fit: the functions of ``messages``, and those that call them for what they return.
FIT = {"visible", "one_line", "log_line", "json_kind", "exception_summary", "public_url", "over_connection"}
LEVELS = {"debug", "info", "warning", "error", "critical", "log"}
# Fields that the readers of responses accept as numbers and as words of the service alone (``services/schemas.py``).
CHECKED_FIELDS = {"runId", "state", "taskId", "attempts"}


def is_fit(node: ast.expr) -> bool:
    """Whether the value of an expression cannot be raw foreign text."""
    fit, parts = False, []
    match node:
        case ast.Constant() | ast.Attribute(attr="__name__" | "__qualname__"):
            fit = True
        case ast.Name(id=name):
            fit = name.isupper()  # a constant of a module
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
            fit = name in FIT | {"len", "repr"}
        case ast.FormattedValue(value=value, conversion=conversion, format_spec=spec):
            fit = conversion == ord("r") or spec is not None or is_fit(value)
        case ast.IfExp(body=one, orelse=other) | ast.BinOp(left=one, right=other):
            parts = [one, other]
        case ast.BoolOp(values=values) | ast.JoinedStr(values=values):
            parts = values
    return fit or (bool(parts) and all(map(is_fit, parts)))


def raw_in_logs(tree: ast.AST) -> list[str]:
    """Return the log calls that show raw text: by ``%s``, in an f-string, or in a traceback, which repeats messages."""
    found = []
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="log") | ast.Attribute(attr="log"), attr=level)):
                if level == "exception":
                    found.append(ast.unparse(node))
                elif level in LEVELS:
                    template, *arguments = node.args
                    if not isinstance(template, ast.Constant):
                        found.append(ast.unparse(node))
                        continue
                    kinds = re.findall(r"%[-+0-9.]*([a-zA-Z])", str(template.value).replace("%%", ""))
                    pairs = zip(kinds, arguments, strict=False)
                    complete = len(kinds) == len(arguments) and not any(isinstance(a, ast.Starred) for a in arguments)
                    if not complete or not all(kind != "s" or is_fit(argument) for kind, argument in pairs):
                        found.append(ast.unparse(node))
    return found


def made_here(func: ast.expr) -> bool:
    """Whether a raised error is created by the package, or is a system error, which becomes one of ours."""
    if isinstance(func, ast.Name):
        kind = getattr(builtins, func.id, None)
        return not func.id.startswith("Airflow") and (kind is None or issubclass(kind, OSError))
    return isinstance(func, ast.Attribute)


def raw_in_other_errors(tree: ast.AST) -> list[str]:
    """Return the errors of Python and Airflow, notes and replaced messages that quote raw text."""
    found = []
    for node in ast.walk(tree):
        match node:
            case ast.Raise(exc=ast.Call(func=func, args=arguments)) if not made_here(func):
                if not all(map(is_fit, arguments)):
                    found.append(ast.unparse(node))
            case ast.Call(func=ast.Attribute(attr="add_note"), args=arguments) if not all(map(is_fit, arguments)):
                found.append(ast.unparse(node))
            case ast.Assign(targets=[ast.Attribute(attr="args")], value=ast.Tuple(elts=[first, *_])) if not is_fit(
                first
            ):
                found.append(ast.unparse(node))
    return found


def raw_fields(tree: ast.AST) -> list[str]:
    """Return the fields of foreign JSON that an f-string shows raw."""
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.FormattedValue) or node.conversion == ord("r"):
            continue
        match node.value:
            case ast.Subscript(slice=ast.Constant(value=str(name))) if name not in CHECKED_FIELDS:
                found.append(ast.unparse(node.value))
            case ast.Call(func=ast.Attribute(attr="get"), args=[ast.Constant(value=str(name)), *_]):
                if name not in CHECKED_FIELDS:
                    found.append(ast.unparse(node.value))
    return found


@pytest.mark.parametrize("look", [raw_in_logs, raw_in_other_errors, raw_fields], ids=lambda look: look.__name__)
@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_foreign_text_is_shown_as_it_came(path: Path, look) -> None:
    assert not look(parsed(path))


@pytest.mark.parametrize(
    ("look", "source"),
    [
        (raw_in_logs, 'log.info("%s", error)'),
        (raw_in_logs, 'self.log.info("%r: %s", a, b)'),
        (raw_in_logs, 'log.info(f"{a}")'),
        (raw_in_logs, 'log.info("a %s" % b)'),
        (raw_in_logs, 'log.info("%d %d", *both)'),
        (raw_in_logs, 'log.exception("it broke")'),
        (raw_in_other_errors, 'raise ValueError(f"{a}")'),
        (raw_in_other_errors, 'raise AirflowSkipException("a " + b)'),
        (raw_in_other_errors, "raise AirflowFailException(event['message'])"),
        (raw_in_other_errors, "raise type(error)(f'{error} more')"),
        (raw_in_other_errors, 'error.add_note(f"{path}")'),
        (raw_in_other_errors, 'error.args = (f"{error} more",)'),
        (raw_fields, "f\"{info['name']}\""),
        (raw_fields, "f\"{info.get('reason', '')}\""),
    ],
)
def test_the_lint_sees(look, source: str) -> None:
    assert look(ast.parse(source))


@pytest.mark.parametrize(
    ("look", "source"),
    [
        (raw_in_logs, 'log.info("%r %d %.1f %s", a, b, c, visible(d))'),
        (raw_in_logs, "log.info(\"%s\", 'one' if a else 'other')"),
        (raw_in_other_errors, 'raise ValueError(f"{a!r} {b:d} {one_line(c)} {LIMIT}")'),
        (raw_in_other_errors, 'raise NotFound(f"{a}")'),
        (raw_fields, "f\"{info['name']!r} {run['runId']} {one_line(told['reason'])}\""),
    ],
)
def test_the_lint_lets_pass(look, source: str) -> None:
    assert not look(ast.parse(source))
