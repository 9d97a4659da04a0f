"""Files for the repository's host and for pre-commit: they name what exists, and agree with make and pyproject.toml.

CI checks the workflow itself with actionlint, whose package fetches a program while it is installed.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOW = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
HOOKS = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
FORMS = sorted((ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml"))
MAKEFILE = (ROOT / "Makefile").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
MATRIX = WORKFLOW["jobs"]["make"]["strategy"]["matrix"]


def test_ci_runs_targets_that_make_has():
    assert [target for target in MATRIX["target"] if not re.search(rf"^{target}:", MAKEFILE, re.MULTILINE)] == []
    assert {"check", "test", "test-slow", "docs"} <= set(MATRIX["target"])


def test_ci_runs_on_the_pythons_that_the_package_names():
    classifiers = " ".join(PROJECT["project"]["classifiers"])
    assert MATRIX["python"] == re.findall(r"Python :: (3\.\d+)", classifiers)


def test_ci_may_only_read():
    assert WORKFLOW["permissions"] == {"contents": "read"}
    assert [name for name, job in WORKFLOW["jobs"].items() if "permissions" in job] == []


@pytest.mark.parametrize("job", WORKFLOW["jobs"])
def test_actions_of_ci_are_pinned_to_a_major_version(job):
    actions = [step["uses"] for step in WORKFLOW["jobs"][job]["steps"] if "uses" in step]
    assert actions
    assert [action for action in actions if not re.fullmatch(r"actions/[a-z-]+@v\d+", action)] == []


def test_pre_commit_runs_what_make_lint_runs():
    (local,) = HOOKS
    assert local["repo"] == "local"
    recipe = re.search(r"^lint:.*\n((?:\t.+\n)+)", MAKEFILE, re.MULTILINE)
    assert recipe
    commands = [line.strip().replace("$(V33)", ".venv") for line in recipe[1].splitlines()]
    assert [hook["entry"] for hook in local["hooks"]] == commands


@pytest.mark.parametrize("form", [form for form in FORMS if form.name != "config.yml"], ids=lambda form: form.name)
def test_a_form_for_issues_has_what_its_host_asks_for(form):
    fields = yaml.safe_load(form.read_text())
    assert {"name", "description", "body"} <= set(fields)
    assert [part for part in fields["body"] if part["type"] not in {"markdown", "input", "textarea"}] == []
    ids = [part["id"] for part in fields["body"] if part["type"] != "markdown"]
    assert len(ids) == len(set(ids)) > 0


@pytest.mark.parametrize("page", ["SECURITY.md", "CONTRIBUTING.md"])
def test_links_lead_to_what_is_there(page):
    links = re.findall(r"\]\(([^):#]+)\)", (ROOT / page).read_text())
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_source_distribution_names_what_is_there():
    included = PROJECT["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    assert {"SECURITY.md", ".github", ".pre-commit-config.yaml"} <= set(included)
    assert [name for name in included if not (ROOT / name).exists()] == []
