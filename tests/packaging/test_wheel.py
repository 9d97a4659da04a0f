"""Content of the wheel, and its metadata for package indexes and Airflow."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zipfile
from email.parser import Parser
from importlib.metadata import version
from pathlib import Path

import airflow
import jsonschema
import pytest

from airflow_provider_taskcluster import __version__, get_provider_info

PACKAGE = "airflow_provider_taskcluster"
ROOT = Path(__file__).parents[2]
DIST_INFO = f"{PACKAGE}-{__version__}.dist-info"


@pytest.fixture(scope="module")
def files(wheel):
    """Contents by name."""
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="module")
def metadata(files):
    return Parser().parsestr(files[f"{DIST_INFO}/METADATA"].decode())


def test_the_package_is_in_it_and_nothing_else(files):
    tracked = subprocess.run(["git", "ls-files", PACKAGE], cwd=ROOT, capture_output=True, text=True, check=False).stdout
    sources = tracked.split() or [str(path.relative_to(ROOT)) for path in (ROOT / PACKAGE).rglob("*.py*")]
    meta = {"METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE"}
    assert set(files) == {*sources, *(f"{DIST_INFO}/{name}" for name in meta)}
    assert f"{PACKAGE}/py.typed" in files


def test_package_indexes_take_it(wheel):
    done = subprocess.run(
        [sys.executable, "-m", "twine", "check", "--strict", wheel], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    assert "PASSED" in done.stdout


def test_the_metadata_say_what_people_look_for(metadata):
    assert metadata["Name"] == "airflow-provider-taskcluster"
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Requires-Python"] == ">=3.11"
    assert "Framework :: Apache Airflow :: Provider" in metadata.get_all("Classifier")
    urls = dict(url.split(", ", 1) for url in metadata.get_all("Project-URL"))
    assert urls["Documentation"].startswith("https://")
    assert metadata.get_payload().startswith("# airflow-provider-taskcluster")


def test_the_changelog_begins_with_this_version():
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)[1]
    assert newest == __version__


def test_entry_points_lead_to_what_is_there(files):
    import configparser

    points = configparser.ConfigParser()
    points.read_string(files[f"{DIST_INFO}/entry_points.txt"].decode())
    assert set(points.sections()) == {"apache_airflow_provider", "fsspec.specs", "universal_pathlib.implementations"}
    for section in points.sections():
        for target in points[section].values():
            module, _, name = target.partition(":")
            if section == "universal_pathlib.implementations" and version("universal-pathlib") < "0.3":
                continue  # of Airflow 3
            assert hasattr(__import__(module, fromlist=[name]), name)


def test_airflows_own_schema_takes_our_metadata():
    info = json.loads(json.dumps(get_provider_info()))
    schema = json.loads((Path(airflow.__path__[0]) / "provider_info.schema.json").read_text())
    jsonschema.validate(info, schema)
    assert info["package-name"] == "airflow-provider-taskcluster"
    unknown = set(info) - set(schema["properties"])
    assert unknown <= {"versions", "integrations", "operators", "sensors", "hooks", "asset-uris", "dataset-uris"}
