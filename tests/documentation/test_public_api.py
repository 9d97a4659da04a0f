"""Public names are listed and documented, and the pages name no others."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from public_api import PACKAGE, PAGE, page

from airflow_provider_taskcluster import types

ROOT = Path(__file__).parents[2]
INTERNAL = re.compile(rf"{PACKAGE}\.(?:transfer|waits|services|common)\b")
PAGES = [
    *(ROOT / "docs").rglob("*.md"),
    *(ROOT / "docs/examples").glob("*.py"),
    *(ROOT / "example_dags").glob("*.py"),
    ROOT / "README.md",
]


def test_the_page_of_public_names_is_as_the_code_is():
    assert PAGE.read_text() == page(), "run `make public-api`, and name the change in CHANGELOG.md"


@pytest.mark.parametrize("name", types.__all__)
def test_every_public_type_is_in_the_reference(documented, name):
    assert f"{PACKAGE}.types.{name}" in documented, "add it to docs/reference/api/values.md"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_page_names_a_module_that_is_internal(path):
    assert not INTERNAL.findall(path.read_text()), "users import it from airflow_provider_taskcluster.types"
