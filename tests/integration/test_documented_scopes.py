"""The table of scopes in the docs: an operation works with exactly these scopes, and fails without any one of them."""

from __future__ import annotations

import re

import pytest
import requests
import scopes_of_artifacts  # noqa: F401 (registers its operations)
import scopes_of_files  # noqa: F401 (registers its operations)
import scopes_of_hooks  # noqa: F401 (registers its operations)
import scopes_of_objects  # noqa: F401 (registers its operations)
import scopes_of_others  # noqa: F401 (registers its operations)
import scopes_of_tasks  # noqa: F401 (registers its operations)
from airflow.providers.common.compat.sdk import AirflowFailException
from scopes_table import OPERATIONS, TABLE
from scopes_world import World

from airflow_provider_taskcluster.exceptions import AuthenticationFailed, InsufficientScopes
from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook

REFUSED = (InsufficientScopes, AuthenticationFailed, AirflowFailException, requests.HTTPError)

# The client is not ours.
UNNAMED = {"object_url"}


@pytest.fixture
def nothing_for_everybody(tc):
    before = tc.anonymous_scopes
    tc.anonymous_scopes = []
    yield
    tc.anonymous_scopes = before


@pytest.mark.usefixtures("nothing_for_everybody")
@pytest.mark.parametrize("operation", OPERATIONS)
def test_these_scopes_are_needed_and_are_enough_and_a_missing_one_is_named(
    tc, hook, holding, connect, run, tmp_path, operation
):
    label, prepare = OPERATIONS[operation]
    world = World(tc, hook, run, connect, tmp_path)
    act = prepare(world)
    scopes = world.granted(TABLE[label])
    for missing in scopes:
        world.hook = holding(*(scope for scope in scopes if scope != missing))
        with pytest.raises(REFUSED, match=r"scope|403|401") as caught:
            act()
        assert operation in UNNAMED or missing.rstrip("*") in str(caught.value)
    world.hook = holding(*scopes)
    act()


def test_every_line_of_the_table_is_tried():
    assert {label for label, _ in OPERATIONS.values()} == set(TABLE)


@pytest.mark.parametrize("label", TABLE)
def test_everything_that_a_line_names_is_tried(label):
    words_of_it = re.findall(r"`(\w+)`", label)
    named = {word for word in words_of_it if hasattr(TaskclusterHook, word) or word.startswith("Taskcluster")}
    tried = {word for line, prepare in OPERATIONS.values() if line == label for word in words(prepare.__code__)}
    assert named <= tried


def words(code):
    """Return the names that a function and its nested functions use."""
    inner = [constant for constant in code.co_consts if hasattr(constant, "co_names")]
    return {*code.co_names, *(word for one in inner for word in words(one))}
