"""Downloads of payloads write nothing outside the folder, and reveal no secrets."""

from __future__ import annotations

import contextlib
import itertools
import json
import threading
from pathlib import Path

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException
from payload_folder import BIG, gets, there

from airflow_provider_taskcluster.exceptions import StoreError

HOSTILE = ["/etc/cron.d/x", "C:/Windows/x", "..\\..\\x", "CON", "a//b", "a", "a/b", ".taskcluster-x", "x" * 900]


def test_hostile_names_are_refused_by_name_before_anything_is_fetched(download, run, tc, tmp_path):
    for name in [*HOSTILE, "good"]:
        run.add(name, b"content", storage_type="s3")
    tc.journal.clear()
    with pytest.raises(AirflowFailException, match=r"cannot be stored: .*Nothing was fetched") as caught:
        download(run)
    assert sum(repr(name[:200]) in str(caught.value) for name in HOSTILE) == 5
    assert gets(tc) == 0
    summary = download(run, on_error="continue")
    assert set(summary["errors"]) == set(HOSTILE) - {"a/b"}
    assert there(tmp_path / "folder") == {"good": b"content", "a/b": b"content"}
    assert {path.name for path in tmp_path.iterdir()} == {"folder"}


def test_a_link_in_the_folder_is_not_written_through(download, stored, tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "folder/public").mkdir(parents=True)
    (tmp_path / "folder/public/build").symlink_to(tmp_path / "outside")
    with pytest.raises(AirflowFailException, match=r"Artifact 'public/build/.*' is not stored: .* it is a link"):
        download(stored)
    summary = download(stored, on_error="continue")
    assert (summary["count"], summary["failed"]) == (1, 4)
    assert not list((tmp_path / "outside").iterdir())


def test_whoever_swaps_folders_for_links_meanwhile_leads_nothing_outside(hook, run, tmp_path):
    for number in range(60):
        run.add(f"public/{number % 3}/{number}", b"content", storage_type="s3")
    (tmp_path / "outside").mkdir()
    public = tmp_path / "folder/public"
    public.mkdir(parents=True)
    over = threading.Event()

    def swap():
        for number in itertools.count():
            with contextlib.suppress(OSError):  # the download makes the folder anew in between
                public.rename(tmp_path / f"folder/aside-{number}")
                public.symlink_to(tmp_path / "outside")
                public.unlink()
            if over.is_set():
                return

    swapping = threading.Thread(target=swap)
    swapping.start()
    try:
        results = [
            hook.open_payload(run.task_id).download(tmp_path / "folder", on_error="continue", if_exists="overwrite")
            for _ in range(3)
        ]
    finally:
        over.set()
        swapping.join()
    assert not list((tmp_path / "outside").iterdir())
    for result in results:
        assert len(result.files) + len(result.failed) == 60
        assert all(reason.startswith(("NameRefused", "DestinationError")) for reason in result.failed.values())


def test_secrets_are_in_neither_manifest_nor_journal_nor_log(connect, run, tmp_path, caplog):
    caplog.set_level("DEBUG")
    hook = connect(extra={"max_retries": 0})
    for storage_type in ("s3", "object"):
        run.add(f"private/{storage_type}", BIG, storage_type=storage_type)
    run.announce("private/never", storage_type="s3")
    with pytest.raises(StoreError) as caught:
        hook.open_payload(run.task_id).download(tmp_path / "folder", files=1)
    result = hook.open_payload(run.task_id).download(tmp_path / "folder", on_error="continue")
    ours = [record.getMessage() for record in caplog.records if "emulator" not in record.name]
    said = "\n".join([str(caught.value), json.dumps(result.as_dict()), Path(result.manifest).read_text(), *ours])
    said = "\n".join(line for line in said.splitlines() if "uvicorn" not in line and "HTTP/1.1" not in line)
    for secret in ("X-Signature", "accessToken", "certificate"):
        assert secret not in said
