"""Reference artifacts at allowed hosts, and their redirects, wherever ``allow_reference`` is accepted."""

from __future__ import annotations

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException
from local_servers import Quiet, serving

from airflow_provider_taskcluster.exceptions import InvalidInput, ReferenceRefused
from airflow_provider_taskcluster.operators.artifacts import TaskclusterDownloadArtifactOperator
from airflow_provider_taskcluster.operators.payloads import TaskclusterDownloadPayloadOperator

CONNECTION = {"task_id": "task", "taskcluster_conn_id": "tc_test"}
DATA = b"of a reference" * 100


@pytest.fixture
def web():
    """A web server: ``/a`` is there, what has ``to=`` redirects. Its log has what was asked of it."""
    asked = []

    class Handler(Quiet):
        def do_GET(self):  # noqa: N802 (a name that http.server calls)
            asked.append(self.path)
            to = self.path.partition("to=")[2]
            if to:
                self.answer(302, Location=to)
            else:
                self.answer(200, DATA, Last_Modified="Sat, 01 Jan 2028 00:00:00 GMT")

    with serving(Handler) as url:
        yield url, asked


def ways(hook, filesystem, run, allow, folder):
    """Each way to the content of ``public/r``, as a function."""
    path = f"artifacts/{run.task_id}/{run.run_id}/public/r"
    fs = filesystem(allow_reference=allow)
    artifact = TaskclusterDownloadArtifactOperator(
        **CONNECTION,
        taskcluster_task_id=run.task_id,
        name="public/r",
        destination=f"{folder}/operator",
        allow_reference=allow,
    )
    payload = TaskclusterDownloadPayloadOperator(
        **CONNECTION, taskcluster_task_id=run.task_id, destination=f"{folder}/payload", allow_reference=allow
    )

    def opened():
        with hook.open_artifact(run.task_id, "public/r", allow_reference=allow) as file:
            return file.read()

    def through_fs():
        with fs.open(path) as file:
            return file.read()

    return {
        "read": lambda: hook.read_artifact(run.task_id, "public/r", allow_reference=allow),
        "open": opened,
        "chunks": lambda: b"".join(
            chunk for _, chunk in hook.open_payload(run.task_id, allow_reference=allow).chunks("public/r")
        ),
        "download": lambda: (
            hook.download_artifact(run.task_id, "public/r", f"{folder}/hook", allow_reference=allow)
            and (folder / "hook").read_bytes()
        ),
        "artifact operator": lambda: artifact.execute({}) and (folder / "operator").read_bytes(),
        "payload operator": lambda: payload.execute({}) and (folder / "payload/public/r").read_bytes(),
        "fs.open": through_fs,
        "fs.cat": lambda: fs.cat_file(path),
        "fs.modified": lambda: fs.modified(path).year == 2028 and DATA,
    }


WAYS = (
    "read",
    "open",
    "chunks",
    "download",
    "artifact operator",
    "payload operator",
    "fs.open",
    "fs.cat",
    "fs.modified",
)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("allow", [True, ["127.0.0.1"], ("*.example.com", "127.0.0.1")], ids=str)
def test_a_host_that_is_listed_is_fetched_from_and_redirected_to(hook, filesystem, run, web, tmp_path, way, allow):
    url, asked = web
    run.add_reference("public/r", f"{url}/b?to={url}/a")
    assert ways(hook, filesystem, run, allow, tmp_path)[way]() == DATA
    assert "/a" in asked


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("allow", [False, [], ["example.com", "*.0.0.1"]], ids=str)
def test_another_is_not_asked_at_all(hook, filesystem, run, web, tmp_path, way, allow):
    url, asked = web
    run.add_reference("public/r", f"{url}/a")
    with pytest.raises((ReferenceRefused, AirflowFailException), match="allow_reference"):
        ways(hook, filesystem, run, allow, tmp_path)[way]()
    assert asked == []


@pytest.mark.parametrize("way", WAYS)
def test_a_redirect_to_another_host_is_not_followed(hook, filesystem, run, web, tmp_path, way):
    url, asked = web
    elsewhere = url.replace("127.0.0.1", "localhost")
    run.add_reference("public/r", f"{url}/b?to={elsewhere}/a?sig=c0ffee")
    with pytest.raises((ReferenceRefused, AirflowFailException), match=r"redirects to .*localhost") as caught:
        ways(hook, filesystem, run, ["127.0.0.1"], tmp_path)[way]()
    assert "c0ffee" not in str(caught.value)
    assert len(asked) == 1


def test_hosts_that_cannot_be_are_refused_early(hook, run, web):
    url, asked = web
    run.add_reference("public/r", f"{url}/a")
    for allow in ("127.0.0.1", ["http://127.0.0.1"], None):
        with pytest.raises(InvalidInput, match="allow_reference"):
            hook.read_artifact(run.task_id, "public/r", allow_reference=allow)
    assert asked == []
