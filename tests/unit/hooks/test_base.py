from __future__ import annotations

import mimetypes

import pytest

from airflow_provider_taskcluster.hooks.base import guessed_type


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a/b.txt", "text/plain"), ("page.HTML", "text/html"), ("b.json", "application/json"),
     ("site.zip", "application/zip"), ("a.tar.gz", "application/gzip"),
     ("a.txt.xz", "application/octet-stream"), ("a", "application/octet-stream"),
     ("a.of-nothing", "application/octet-stream")],
)  # fmt: skip
def test_a_content_type_is_guessed_from_the_end_of_a_name(name, expected):
    assert guessed_type(name) == expected


def test_what_a_worker_has_in_its_own_table_changes_no_upload(monkeypatch, tmp_path):
    """Its /etc/mime.types, say. The next try may be on another worker, and the type is part of what an upload is."""
    own = tmp_path / "mime.types"
    own.write_text("text/x-of-this-worker log\napplication/x-of-this-worker json\n")
    monkeypatch.setattr(mimetypes, "knownfiles", [str(own)])
    for state in ("_db", "encodings_map", "suffix_map", "types_map", "common_types", "inited"):
        monkeypatch.setattr(mimetypes, state, getattr(mimetypes, state))
    mimetypes.init()
    assert mimetypes.guess_type("build.log")[0] == "text/x-of-this-worker"
    assert (guessed_type("build.log"), guessed_type("a.json")) == ("application/octet-stream", "application/json")
