"""The published JSON schemas and API references, where the folder is available."""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from jsonschema import Draft6Validator, FormatChecker
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT6

BASE = "https://contract.invalid"
FORMATS = FormatChecker(formats=[])


@FORMATS.checks("date-time", raises=ValueError)
def _is_instant(value):
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


@FORMATS.checks("uri", raises=ValueError)
def _is_uri(value):
    return not isinstance(value, str) or bool(urlsplit(value).scheme)


def find_contract():
    beside = Path(__file__).parents[2].parent / "shared" / "contract"
    folder = Path(os.environ.get("TASKCLUSTER_CONTRACT", beside))
    return folder if (folder / "schemas").is_dir() else None


class Contract:
    """Validates responses by service and operation; errors are kept for the test that caused them."""

    def __init__(self, folder):
        resources = []
        for path in (folder / "schemas").rglob("*.json"):
            document = json.loads(path.read_text())
            uri = f"{BASE}/schemas/{path.relative_to(folder / 'schemas').as_posix()}"
            document["$id"] = uri
            document.pop("$schema", None)
            resources.append((uri, Resource.from_contents(document, default_specification=DRAFT6)))
        self._registry = Registry().with_resources(resources)
        self._outputs = {}
        for service in ("auth", "index", "object", "queue", "purge-cache", "secrets", "notify", "hooks"):
            reference = json.loads((folder / "references" / service / "v1" / "api.json").read_text())
            for entry in reference["entries"]:
                self._outputs[service, entry["name"]] = entry.get("output")
        self._validators = {}
        self._complaints = []
        self.checked = 0

    def observe(self, service, operation, status, body):
        output = self._outputs[service, operation]
        if output is None or status not in (200, 303):
            return
        self.checked += 1
        validator = self._validator(f"{BASE}/schemas/{service}/{output.rstrip('#')}")
        self._complaints += [f"{operation}: {error.message}" for error in validator.iter_errors(body)]

    def take_complaints(self):
        complaints, self._complaints = self._complaints, []
        return complaints

    def _validator(self, uri):
        if uri not in self._validators:
            self._validators[uri] = Draft6Validator({"$ref": uri}, registry=self._registry, format_checker=FORMATS)
        return self._validators[uri]
