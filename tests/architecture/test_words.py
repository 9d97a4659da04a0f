"""Public names have one meaning: a module, class or function name that is defined twice is listed with the reason."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

from sources import parsed

ROOT = Path(__file__).parents[2] / "airflow_provider_taskcluster"

# Names that mean the same wherever they are defined, by the reason why there are several of them.
TWINS = {
    "each room has a module for the noun": {
        *(
            "artifact_uploads",
            "artifacts",
            "folders",
            "hooks",
            "index",
            "objects",
            "purge_cache",
            "taskcluster",
            "tasks",
        ),
        *("artifact", "multipart", "object"),
    },
    "the module holds what the others in its folder share": {"base", "errors", "factory", "method", "methods", "model"},
    "a client, or an error of it, for JSON calls and for stores": {"client", "connection_error"},
    "a file system of fsspec, as source, as sink and as folder of a payload": {"storage"},
    "checks the same kind of value, of an argument and of a response": {"flag", "text", "whole_number"},
    "parses a document": {"from_json"},
    "the reason of a failure, in a few words": {"reason"},
    "the id of an upload: its check, its derivation, its key": {"upload_id"},
}


def definitions() -> dict[str, list[str]]:
    """Return where each public module, class and function outside the emulator is defined, by its name."""
    places = defaultdict(list)
    for path in sorted(ROOT.rglob("*.py")):
        file = path.relative_to(ROOT)
        if file.parts[0] == "emulator":
            continue
        defined = {
            node.name
            for node in parsed(path).body
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        }
        for name in {*defined, path.stem}:
            if not name.startswith("_"):
                places[name].append(str(file))
    return places


def test_a_public_name_has_one_meaning() -> None:
    allowed = set().union(*TWINS.values())
    twice = {name: files for name, files in definitions().items() if len(files) > 1 and name not in allowed}
    assert not twice, "rename all but one, or add the name to TWINS if it means the same in all these files"


def test_the_list_of_twins_has_no_name_that_is_defined_once() -> None:
    places = definitions()
    assert [name for names in TWINS.values() for name in sorted(names) if len(places[name]) < 2] == []
