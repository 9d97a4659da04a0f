"""Content of payload downloads, before and after."""

from __future__ import annotations

import json
import os
from pathlib import Path

BIG = os.urandom(200_000)
CONTENTS = {
    "public/build/target.zip": BIG,
    "public/build/empty": b"",
    "public/build/sub/deep.bin": b"deep",
    "public/build/build.log": b"log",
    "public/report.json": b"{}",
}


def there(folder):
    """Return the contents of all files below a folder except the manifest, by name."""
    paths = [path for path in folder.rglob("*") if path.is_file() and path.name != "taskcluster-payload.json"]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def manifest(summary):
    return json.loads(Path(summary["manifest"]).read_text())


def gets(tc):
    return len(tc.journal.entries(origin="store", method="GET"))
