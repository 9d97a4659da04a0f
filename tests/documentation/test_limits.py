"""The page about what Taskcluster cannot do is correct, and is linked where readers look for it."""

from __future__ import annotations

from pathlib import Path

import pytest
import taskcluster

ROOT = Path(__file__).parents[2]
OF_EVERY_SERVICE = {"ping", "lbheartbeat", "heartbeat", "version"}


@pytest.mark.parametrize(
    ("service", "calls"),
    [
        (taskcluster.Object, {"createUpload", "finishUpload", "startDownload", "object", "download"}),
        (taskcluster.PurgeCache, {"purgeCache", "purgeRequests", "allPurgeRequests"}),
    ],
    ids=["object", "purge-cache"],
)
def test_there_is_no_call_that_lists_or_deletes(service, calls):
    assert set(service.funcinfo) - OF_EVERY_SERVICE == calls, "there are new calls: does docs/limits.md still hold?"


def test_there_is_no_call_that_deletes_artifacts():
    calls = {name for name in taskcluster.Queue.funcinfo if "artifact" in name.lower()}
    assert {name for name in calls if not name.startswith(("get", "list", "latest"))} == {
        "artifact",
        "artifactInfo",
        "createArtifact",
        "finishArtifact",
    }


@pytest.mark.parametrize("page", ["guides/coroutines", "guides/any-call", "limits"])
def test_what_one_looks_for_is_linked_from_where_one_begins(page):
    assert f"docs/{page}.md" in (ROOT / "README.md").read_text()
    assert f"{{doc}}`{page}`" in (ROOT / "docs/quick-start.md").read_text()
    assert f"\n{page}\n" in (ROOT / "docs/index.md").read_text()


def test_the_quick_start_says_what_the_test_button_does():
    page = (ROOT / "docs/quick-start.md").read_text()
    assert all(words in page for words in ("*Test* button", "3.3.2", "*Bad Request*", '"port": 0'))
