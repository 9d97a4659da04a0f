"""Artifacts without hashes, verified by the checksums that their task publishes (chain of trust)."""

from __future__ import annotations

import hashlib
import json
import os

import pytest

from airflow_provider_taskcluster.exceptions import HashMismatch, InvalidInput, NotFound, NotVerifiable

DATA = os.urandom(300_000)
NAME = "public/build.zip"


@pytest.fixture
def publish(run):
    def make(sums):
        run.add(NAME, DATA, storage_type="s3", gzipped=True)
        if sums is not None:
            run.add("public/chain-of-trust.json", sums, storage_type="s3")
        return run.task_id

    return make


def chain(**sums):
    return json.dumps({"chainOfTrustVersion": 1, "artifacts": {NAME: sums}}).encode()


def test_the_published_sum_verifies_what_came(hook, publish, tmp_path):
    task_id = publish(chain(sha256=hashlib.sha256(DATA).hexdigest()))
    result = hook.download_artifact(task_id, NAME, tmp_path / "file", verify="chain_of_trust")
    assert (tmp_path / "file").read_bytes() == DATA
    assert result.verified == "sha256"


def test_another_sum_is_a_mismatch_and_nothing_is_kept(hook, publish, tmp_path):
    task_id = publish(chain(sha256="0" * 64))
    with pytest.raises(HashMismatch):
        hook.download_artifact(task_id, NAME, tmp_path / "file", verify="chain_of_trust")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("sums", [chain(sha1="0" * 40), b'{"artifacts": {}}', b"{torn", b"[]", b'{"artifacts": 7}'])
def test_a_chain_that_does_not_name_it_is_refused(hook, publish, tmp_path, sums):
    with pytest.raises(NotVerifiable, match=r"chain-of-trust\.json of the run names no sha256"):
        hook.download_artifact(publish(sums), NAME, tmp_path / "file", verify="chain_of_trust")


def test_a_run_without_a_chain_is_refused(hook, publish, tmp_path):
    with pytest.raises(NotFound, match="chain-of-trust"):
        hook.download_artifact(publish(None), NAME, tmp_path / "file", verify="chain_of_trust")


def test_unless_asked_it_is_not_looked_for(hook, publish, tmp_path):
    assert hook.download_artifact(publish(chain(sha256="0" * 64)), NAME, tmp_path / "file").verified == "length"


def test_another_word_is_refused(hook, publish, tmp_path):
    with pytest.raises(InvalidInput, match="pass 'hashes' or 'chain_of_trust'"):
        hook.download_artifact(publish(None), NAME, tmp_path / "file", verify="sha256")
