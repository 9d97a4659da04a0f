"""Artifacts whose names the queue fails on are reached by a workaround, except references."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile

import pytest
from scripted_api import scripted_api

from airflow_provider_taskcluster.exceptions import (
    ConfigurationError,
    Conflict,
    InvalidInput,
    InvalidName,
    NotStoredYet,
    ReferenceRefused,
    ServiceUnavailable,
)
from airflow_provider_taskcluster.hooks.sync_services import EngineServices
from airflow_provider_taskcluster.operators.artifacts import TaskclusterDownloadArtifactOperator
from airflow_provider_taskcluster.sensors.artifacts import TaskclusterArtifactSensor
from airflow_provider_taskcluster.transfer.sink.base import MemorySink

DATA = bytes(range(256)) * 1200
ODD = [f"a{character}b" for character in ' %?#()*~[];,{}<>^`$"\\']


def calls(tc, method, path):
    return [entry.status for entry in tc.journal.entries(origin="api", method=method, path=path)]


def never_used_the_credentials(tc):
    asked = tc.journal.entries(origin="api", path="/object/v1/")
    return [entry.path for entry in asked if "start-download" in entry.path or "metadata" in entry.path] == []


@pytest.fixture
def taken(run, tc, no_waiting):
    """An object artifact of an odd name; afterwards, nobody has used its credentials, or tried anything twice."""

    def add(name="public/odd name (1).bin", data=DATA, **options):
        run.add(name, data, **options)
        tc.journal.clear()
        return name

    yield add
    assert never_used_the_credentials(tc)
    assert no_waiting == []


@pytest.mark.parametrize("folder", ["public", "private"])
@pytest.mark.parametrize("end", ODD)
def test_it_is_downloaded_at_once_by_its_plain_url(hook, run, taken, caplog, folder, end):
    name = taken(f"{folder}/{end}")
    result = hook.download_artifact(run.task_id, name, MemorySink(), run.run_id)
    assert (result.content, result.method, result.verified) == (DATA, "redirect", "length")
    assert "without a hash" in caplog.text


def test_anybody_reads_public_ones(connect, run, taken):
    name = taken()
    assert connect(login=None, password=None).read_artifact(run.task_id, name) == DATA


def test_a_missing_scope_is_named(holding, run, taken):
    name = taken("private/odd name")
    with pytest.raises(Exception, match="the scope queue:get-artifact:private/odd name"):
        holding("queue:list-artifacts:*").read_artifact(run.task_id, name)


@pytest.mark.parametrize("end", ["a b", 'a"b'])
def test_it_is_opened_and_measured(hook, run, taken, end):
    name = taken(f"public/{end}")
    assert hook.stored_artifact_length(run.task_id, name) == len(DATA)
    with hook.open_artifact(run.task_id, name) as opened:
        opened.seek(1000)
        assert (opened.size, opened.read(10)) == (len(DATA), DATA[1000:1010])


@pytest.mark.parametrize("end", ["a b", "a(b"])
def test_it_is_a_file(fs, run, taken, end):
    name = taken(f"public/{end}")
    path = f"artifacts/{run.task_id}/{run.run_id}/{name}"
    assert (fs.info(path)["size"], fs.cat_file(path)) == (len(DATA), DATA)
    with fs.open(path) as file:
        file.seek(-5, 2)
        assert file.read() == DATA[-5:]


def test_it_is_in_payloads_once_however_many_links_lead_to_it(hook, run, taken, tmp_path):
    name = taken("public/odd name")
    run.add_link("public/latest", name)
    run.add_link("public/odd link", name)
    payload = hook.open_payload(run.task_id)
    result = payload.download(str(tmp_path))
    assert (tmp_path / name).read_bytes() == DATA
    assert dict(result.links) == {"public/latest": name, "public/odd link": name}
    assert b"".join(chunk for _, chunk in payload.chunks(name)) == DATA
    assert [file.size for file in result.files] == [len(DATA)]


def test_a_plain_link_leads_to_it(hook, run, taken):
    name = taken()
    run.add_link("public/plain", name)
    assert hook.read_artifact(run.task_id, "public/plain") == DATA


def test_an_odd_link_to_a_plain_name_needs_no_way_around(hook, run):
    run.add("public/plain", DATA)
    run.add_link("public/odd link", "public/plain")
    result = hook.download_artifact(run.task_id, "public/odd link", MemorySink())
    assert (result.content, result.verified) == (DATA, "sha256+sha512")


@pytest.mark.parametrize(("length", "done"), [(len(DATA), True), (len(DATA) + 1, False)])
def test_a_sensor_measures_it(hook, run, taken, length, done):
    sensor = TaskclusterArtifactSensor(
        task_id="wait",
        taskcluster_conn_id="tc_test",
        taskcluster_task_id=run.task_id,
        name=taken(),
        min_length=length,
        check_fn=lambda info: info["content_length"] == len(DATA),
    )
    assert bool(sensor.poke({}).is_done) is done


def test_an_operator_extracts_it(hook, run, taken, tmp_path):
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        tar.addfile(tarfile.TarInfo("inside"))
    operator = TaskclusterDownloadArtifactOperator(
        task_id="download",
        taskcluster_conn_id="tc_test",
        taskcluster_task_id=run.task_id,
        name=taken("public/the archive.tar.gz", archive.getvalue()),
        destination=str(tmp_path / "archive.tar.gz"),
        extract_to=str(tmp_path / "extracted"),
    )
    assert operator.execute({})["extracted"]["files"] == 1
    assert (tmp_path / "extracted/inside").exists()


def test_the_chain_of_trust_of_the_run_verifies_it(hook, run, taken):
    name = taken("public/odd name")
    sums = {"artifacts": {name: {"sha256": hashlib.sha256(DATA).hexdigest()}}}
    run.add("public/chain-of-trust.json", json.dumps(sums).encode(), storage_type="s3")
    result = hook.download_artifact(run.task_id, name, MemorySink(), verify="chain_of_trust")
    assert (result.content, result.verified) == (DATA, "sha256")


def test_it_is_published_and_a_repetition_finds_it(hook, run, expires):
    name = "public/odd name"
    for _ in range(2):
        hook.upload_artifact(DATA, run.task_id, run.run_id, name, expires=expires)
    assert hook.read_artifact(run.task_id, name) == DATA
    with pytest.raises(Conflict, match="exists, with the sha256"):
        hook.upload_artifact(b"other", run.task_id, run.run_id, name, expires=expires)


@pytest.fixture
def limited(holding, run):
    """A hook that may publish and read artifacts, and has no scope for objects."""
    own = (f"queue:create-artifact:{run.task_id}/{run.run_id}", f"queue:list-artifacts:{run.task_id}:{run.run_id}")
    return holding(*own, "queue:get-artifact:*")


def test_who_cannot_compare_a_repetition_says_so(limited, run, expires):
    run.add(name := "public/odd name", DATA)
    with pytest.raises(Conflict, match="exists, and its sums cannot be read"):
        limited.upload_artifact(DATA, run.task_id, run.run_id, name, expires=expires)


def test_an_apostrophe_is_refused_before_anything_is_sent_for_objects_alone(hook, run, expires, tc):
    where = (run.task_id, run.run_id, "public/it's")
    request = {"storageType": "object", "expires": expires.isoformat(timespec="milliseconds"), "contentType": "a/b"}
    tc.journal.clear()
    with pytest.raises(InvalidName, match=r"apostrophe.*rename the artifact, or publish it with storage_type='s3'"):
        hook.upload_artifact(DATA, *where, expires=expires)
    with pytest.raises(InvalidName, match="apostrophe"):
        hook.create_artifact(*where, request)
    assert len(tc.journal) == 0
    hook.upload_artifact(DATA, *where, expires=expires, storage_type="s3")
    assert hook.read_artifact(run.task_id, where[2]) == DATA
    hook.create_link_artifact(run.task_id, run.run_id, "public/that's", where[2], expires=expires)
    assert hook.read_artifact(run.task_id, "public/that's") == DATA


def test_client_ids_that_cannot_be_signed_with_are_refused_before_anything_is_sent(connect, hook, expires, tc):
    tc.journal.clear()
    with pytest.raises(ConfigurationError, match="is no client ID: those have letters"):
        connect("tc_odd", login='a"b').ping()
    for name in ('a"b', "a b", ""):
        with pytest.raises(InvalidInput, match="is no client ID"):
            hook.temporary_credentials(["queue:status:*"], expires, name=name)
    assert len(tc.journal) == 0


@pytest.mark.parametrize("end", ["50%", "a%20b", "100%25", "c d%"])
@pytest.mark.parametrize("folder", ["public", "private"])
def test_percent_signs_in_names_of_s3_artifacts_are_escaped(hook, run, folder, end):
    name = f"{folder}/x y/{end}"
    run.add(name, DATA, storage_type="s3")
    run.add_link("public/plain", name)
    assert hook.read_artifact(run.task_id, name) == DATA
    assert hook.read_artifact(run.task_id, name, run.run_id) == DATA
    assert hook.stored_artifact_length(run.task_id, name) == len(DATA)


@pytest.mark.parametrize("character", "[]|")
def test_what_the_queue_never_answers_is_said_at_once(hook, run, no_waiting, character):
    public, private = (f"{folder}/a{character}b" for folder in ("public", "private"))
    for name in (public, private):
        run.add(name, DATA, storage_type="s3")
    with pytest.raises(ServiceUnavailable, match="publish it under another name, or as an object") as caught:
        hook.read_artifact(run.task_id, public)
    assert (caught.value.status, caught.value.transient, no_waiting) == (500, False, [])
    assert hook.read_artifact(run.task_id, private) == DATA


class TestA500OfTheQueue:
    """Older queues fail when they make the credentials; any queue fails now and then."""

    @pytest.fixture
    def api(self, tc):
        with scripted_api(tc.root_url) as api:
            yield api

    @pytest.fixture
    def behind(self, api, connect):
        return connect("tc_behind", host=api.url, extra={"max_retries": 2})

    @pytest.mark.parametrize("run_id", [None, 0])
    def test_an_object_is_fetched_by_the_redirect(self, behind, api, run, taken, run_id):
        name = taken()
        api.add("artifact-content", 500, times=9)
        assert behind.read_artifact(run.task_id, name, run_id) == DATA
        assert (api.count("artifact-content"), api.count("artifact-info")) == (1, 1)

    def test_a_private_s3_artifact_is_too(self, behind, api, run):
        run.add("private/a b", DATA, storage_type="s3")
        api.add("artifact-content", 500, times=9)
        result = behind.download_artifact(run.task_id, "private/a b", MemorySink())
        assert (result.content, result.method) == (DATA, "s3")

    def test_an_s3_artifact_without_bytes_is_one_then_as_well(self, behind, api, run):
        run.announce("private/a b", storage_type="s3")
        api.add("artifact-content", 500, times=9)
        with pytest.raises(NotStoredYet):
            behind.read_artifact(run.task_id, "private/a b")

    @pytest.mark.parametrize("name", ["public/a b", "private/a b", "public/a|b"])
    def test_a_reference_is_never_fetched_so(self, behind, api, run, tc, name):
        run.add_reference(name, f"{tc.root_url}/api/queue/v1/ping")
        api.add("artifact-content", 500, times=9)
        tc.journal.clear()
        for read in (
            lambda: behind.read_artifact(run.task_id, name),
            lambda: behind.open_artifact(run.task_id, name),
            lambda: behind.stored_artifact_length(run.task_id, name),
            lambda: list(behind.open_payload(run.task_id).chunks(name)),
        ):
            api.rules[0].times = 9
            with pytest.raises(ServiceUnavailable, match="Scripted"):
                read()
        assert calls(tc, "GET", "/ping") == []
        assert calls(tc, "GET", "/artifacts/") == [], "the redirect was not even asked for"

    def test_neither_is_one_behind_a_link(self, behind, api, run, tc):
        run.add_reference("public/plain", f"{tc.root_url}/api/queue/v1/ping")
        run.add_link("public/odd link", "public/plain")
        api.add("artifact-content", 500, times=9)
        tc.journal.clear()
        with pytest.raises(ServiceUnavailable):
            behind.read_artifact(run.task_id, "public/odd link")
        assert calls(tc, "GET", "/artifacts/") == []

    @pytest.mark.parametrize("add", ["add_reference", "add_s3", "add_object"])
    def test_one_that_passes_is_asked_again(self, behind, api, run, add):
        name = "public/a b"
        {
            "add_reference": lambda: run.add_reference(name, f"{run.root_url}/api/queue/v1/ping"),
            "add_s3": lambda: run.add(name, DATA, storage_type="s3"),
            "add_object": lambda: run.add(name, DATA),
        }[add]()
        api.add("artifact-content", 503 if add == "add_object" else 500, times=2)
        content = behind.read_artifact(run.task_id, name, allow_reference=True)
        assert (b"alive" in content) if add == "add_reference" else (content == DATA)

    def test_who_may_not_look_up_the_storage_type_gets_the_error_of_the_queue(self, api, holding, run, tc):
        run.add("public/a b", DATA)
        tc.anonymous_scopes, before = ["queue:get-artifact:public/*"], tc.anonymous_scopes
        api.add("artifact-content", 500, times=9)
        try:
            with pytest.raises(ServiceUnavailable, match="Scripted"):
                holding("queue:ping", host=api.url, extra={"max_retries": 1}).read_artifact(run.task_id, "public/a b")
        finally:
            tc.anonymous_scopes = before

    def test_what_has_become_a_reference_since_its_storage_type_was_looked_up_is_refused(
        self, behind, api, worker, tc, monkeypatch
    ):
        task_id = worker.create_task(retries=3)
        first = worker.claim(task_id)
        first.add("public/a b", DATA)
        look = EngineServices.artifact_info

        def look_and_rerun(*arguments):
            info = look(*arguments)
            first.exception("intermittent-task")
            worker.claim(task_id).add_reference("public/a b", f"{tc.root_url}/api/queue/v1/ping")
            return info

        monkeypatch.setattr(EngineServices, "artifact_info", look_and_rerun)
        api.add("artifact-content", 500, times=9)
        tc.journal.clear()
        with pytest.raises(ReferenceRefused):
            behind.read_artifact(task_id, "public/a b")
        assert calls(tc, "GET", "/ping") == []
