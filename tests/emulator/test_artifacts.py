"""The queue's quirks: artifacts of every storage type."""

from __future__ import annotations

import gzip
import json
from urllib.parse import quote

import mohawk
import pytest
import taskcluster
from emulator_clients import Clients, Upload, http, in_days, refused

NAME = "public/a.txt"


def names(answer):
    return [artifact["name"] for artifact in answer["artifacts"]]


def content(clients, run, name=NAME):
    return clients.queue.artifact(run.task_id, run.run_id, name)


def test_an_object_artifact_is_answered_with_credentials_for_the_object_service(tc, root, run):
    run.add(NAME, b"hello")
    answer = content(root, run)
    assert answer["name"] == f"t/{run.task_id}/0/{NAME}"
    download = Clients(tc, answer["credentials"]).object.startDownload(
        answer["name"], {"acceptDownloadMethods": {"getUrl": True}}
    )
    assert http("GET", download["url"])[2] == b"hello"
    with tc.clock.advanced(minutes=66), refused(401, "AuthenticationFailed"):
        Clients(tc, answer["credentials"]).object.object(answer["name"])


def test_credentials_of_an_object_artifact_hold_one_exact_name(tc, root, run):
    run.add(NAME, b"hello")
    reader = Clients(tc, content(root, run)["credentials"])
    with refused(403, "InsufficientScopes"):
        reader.object.object(f"t/{run.task_id}/0/{NAME}x")
    grant = run.announce("public/b.txt")
    writer = Clients(tc, grant["credentials"])
    with refused(403, "InsufficientScopes"):
        Upload(writer, grant["name"] + ".part-1", projectId=grant["projectId"]).create()
    with refused(403, "InsufficientScopes"):
        writer.object.object(grant["name"])


def test_an_s3_artifact_is_answered_with_a_url_of_30_minutes(tc, root, run):
    run.add(NAME, b"hello", storage_type="s3", content_type="text/plain")
    answer = content(root, run)
    assert answer["storageType"] == "s3"
    status, headers, body = http("GET", answer["url"])
    assert (status, headers["Content-Type"], body) == (200, "text/plain", b"hello")
    with tc.clock.advanced(minutes=31):
        assert http("GET", answer["url"])[0] == 403


def test_an_s3_artifact_stored_with_gzip_is_served_with_it_whatever_is_accepted(root, run):
    run.add(NAME, b"hello" * 100, storage_type="s3", gzipped=True)
    status, headers, body = http("GET", content(root, run)["url"], headers={"Accept-Encoding": "identity"})
    assert (status, headers["Content-Encoding"]) == (200, "gzip")
    assert gzip.decompress(body) == b"hello" * 100


def test_an_s3_artifact_counts_as_present_before_any_byte_was_put(root, run):
    run.announce(NAME, storage_type="s3")
    assert root.queue.artifactInfo(run.task_id, 0, NAME)["storageType"] == "s3"
    assert http("GET", content(root, run)["url"])[0] == 404


def test_an_s3_put_url_wants_the_content_type_and_lives_45_minutes(tc, run):
    grant = run.announce(NAME, storage_type="s3", content_type="text/plain")
    assert http("PUT", grant["putUrl"], b"x", {"Content-Type": "text/html"})[0] == 403
    assert http("PUT", grant["putUrl"], b"x", {"Content-Type": "text/plain"})[0] == 200
    with tc.clock.advanced(minutes=46):
        assert http("PUT", grant["putUrl"], b"x", {"Content-Type": "text/plain"})[0] == 403


def test_a_reference_is_answered_with_its_url(root, run):
    run.add_reference(NAME, "gopher://somewhere/else")
    assert content(root, run) == {"storageType": "reference", "url": "gopher://somewhere/else"}


@pytest.mark.parametrize("url", ["no-scheme", "https://a b/", "https://\u65e5.example/", "https://a/\r\nX: y", ""])
def test_a_reference_that_is_no_url_is_refused(run, url):
    with refused(400, "InputValidationError"):
        run.add_reference(NAME, url)


def test_an_error_is_answered_with_reason_and_message(root, run):
    run.add_error(NAME, "it broke")
    assert content(root, run) == {
        "storageType": "error",
        "reason": "file-missing-on-worker",
        "message": "it broke",
    }


def test_an_error_artifacts_redirect_is_a_424(root, run):
    run.add_error(NAME, "it broke")
    with refused(424):
        root.queue.getArtifact(run.task_id, 0, NAME)


def test_links_are_resolved_by_the_server(root, run):
    run.add(NAME, b"hello")
    run.add_link("public/one", "public/two")
    run.add_link("public/two", NAME)
    assert content(root, run, "public/one")["name"].endswith(NAME)
    assert http("GET", root.queue.buildSignedUrl("getLatestArtifact", run.task_id, "public/one"))[0] == 303


def test_a_broken_link_is_not_found(root, run):
    run.add_link(NAME, "public/nowhere")
    with refused(404, "ResourceNotFound"):
        content(root, run)


def test_a_link_cycle_is_an_input_error(root, run):
    run.add_link("public/one", "public/two")
    run.add_link("public/two", "public/one")
    with refused(400, "InputError"):
        content(root, run, "public/one")


def test_a_scope_is_asked_for_at_every_hop_of_a_link(holding, anonymous, run):
    run.add("private/secret", b"hello")
    run.add_link(NAME, "private/secret")
    with refused(403, "InsufficientScopes") as info:
        content(anonymous, run)
    assert "queue:get-artifact:private/secret" in str(info.value)
    assert content(holding("queue:get-artifact:private/*"), run)["storageType"] == "object"


def test_artifact_info_does_not_follow_links(root, run):
    run.add_link(NAME, "public/nowhere")
    assert root.queue.artifactInfo(run.task_id, 0, NAME)["storageType"] == "link"


def test_artifact_info_is_not_found_until_the_artifact_is_present(root, run):
    grant = run.announce(NAME)
    with refused(404, "ResourceNotFound"):
        root.queue.latestArtifactInfo(run.task_id, NAME)
    run.upload(grant, b"hello")
    with refused(404, "ResourceNotFound"):
        root.queue.latestArtifactInfo(run.task_id, NAME)
    run.finish(NAME, grant)
    assert root.queue.latestArtifactInfo(run.task_id, NAME)["storageType"] == "object"


def test_an_object_artifact_created_with_its_length_is_present_and_cannot_be_finished(root, run):
    grant = run.announce(NAME, length=5)
    run.upload(grant, b"hello")
    for _ in range(2):
        with refused(500, "InternalServerError"):
            run.finish(NAME, grant)
        assert root.queue.artifactInfo(run.task_id, 0, NAME)["storageType"] == "object"
        assert content(root, run)["storageType"] == "object"


def test_the_length_of_an_s3_artifact_is_told(root, run):
    run.announce(NAME, storage_type="s3", length=5)
    assert root.queue.latestArtifactInfo(run.task_id, NAME)["contentLength"] == 5


def test_lists_contain_unfinished_object_artifacts(root, run):
    run.announce(NAME)
    assert names(root.queue.listArtifacts(run.task_id, 0)) == [NAME]
    with refused(404, "ResourceNotFound"):
        content(root, run)


def test_lists_come_in_pages_by_name(root, run):
    expected = [f"public/{number}" for number in range(5)]
    for name in reversed(expected):
        run.add_error(name)
    pages = []
    root.queue.listLatestArtifacts(run.task_id, paginationHandler=pages.append, paginationLimit=2, query={})
    assert [len(page["artifacts"]) for page in pages] == [2, 2, 1]
    assert [name for page in pages for name in names(page)] == expected
    assert "continuationToken" not in pages[-1]


@pytest.mark.parametrize("accepted", ["gzip, deflate", "identity"])
def test_larger_answers_are_sent_with_gzip_where_that_is_accepted(tc, root, anonymous, run, accepted):
    url = anonymous.queue.buildUrl("listArtifacts", run.task_id, 0)
    assert http("GET", url, headers={"Accept-Encoding": accepted})[1]["Content-Encoding"] is None, "a small one"
    for number in range(20):
        run.add_error(f"public/{number:02}")
    _, headers, body = http("GET", url, headers={"Accept-Encoding": accepted})
    assert headers["Content-Encoding"] == ("gzip" if "gzip" in accepted else None)
    assert int(headers["Content-Length"]) == len(body)
    listed = json.loads(gzip.decompress(body) if headers["Content-Encoding"] else body)
    with tc.journal.recording() as seen:
        assert root.queue.listArtifacts(run.task_id, 0) == listed
    assert len(listed["artifacts"]) == 20
    (entry,) = seen.entries(path="/artifacts")
    assert entry.sent < len(json.dumps(listed)) / 2


def test_a_limit_over_1000_is_taken_for_1000(root, run):
    assert names(root.queue.listArtifacts(run.task_id, 0, query={"limit": "5000"})) == []


def test_latest_is_the_last_run_even_if_it_has_nothing(root, run):
    run.add(NAME, b"hello")
    run.exception("worker-shutdown")
    assert names(root.queue.listLatestArtifacts(run.task_id)) == []
    with refused(404, "ResourceNotFound"):
        root.queue.latestArtifact(run.task_id, NAME)
    assert names(root.queue.listArtifacts(run.task_id, 0)) == [NAME]
    assert content(root, run)["storageType"] == "object"


def test_lists_of_unknown_tasks_and_runs_are_not_found(root, run):
    with refused(404, "ResourceNotFound"):
        root.queue.listArtifacts(run.task_id, 1)
    with refused(404, "ResourceNotFound"):
        root.queue.listLatestArtifacts(taskcluster.slugId())


USELESS = [f"public/a{character}b" for character in " %?#()*~[];,{}<>^`$"]
UNSIGNABLE = ['public/a"b', "public/a\\b"]


@pytest.mark.parametrize("odd", [*USELESS, *UNSIGNABLE])
def test_credentials_of_object_artifacts_with_odd_names_are_of_no_use_but_the_redirect_works(tc, root, run, odd):
    run.add(odd, b"hello")
    for answer in (content(root, run, odd), root.queue.latestArtifact(run.task_id, odd)):
        assert answer["name"] == f"t/{run.task_id}/0/{odd}"
        reader = Clients(tc, answer["credentials"]).object
        if odd in UNSIGNABLE:
            with pytest.raises(mohawk.exc.BadHeaderValue):
                reader.startDownload(answer["name"], {"acceptDownloadMethods": {"getUrl": True}})
            continue
        with refused(500, "InternalServerError"):
            reader.startDownload(answer["name"], {"acceptDownloadMethods": {"getUrl": True}})
        with refused(500, "InternalServerError"):
            reader.object(answer["name"])
    for call in (("getArtifact", run.task_id, "0", odd), ("getLatestArtifact", run.task_id, odd)):
        status, headers, _ = http("GET", root.queue.buildSignedUrl(*call))
        assert status == 303
        assert http("GET", headers["Location"])[2] == b"hello"


def test_names_outside_of_ascii_are_refused(run):
    with refused(400, "InvalidRequestArguments"):
        run.announce("public/\u00fc")


def test_an_object_artifact_with_an_apostrophe_cannot_be_created(root, run):
    for _ in range(2):
        with refused(500, "InternalServerError"):
            run.announce("public/it's")
    assert names(root.queue.listArtifacts(run.task_id, 0)) == []
    run.add("public/it's", b"hello", storage_type="s3")
    assert http("GET", content(root, run, "public/it's")["url"])[2] == b"hello"


@pytest.mark.parametrize("character", "[]|")
def test_public_s3_artifacts_with_brackets_or_bars_in_their_names_fail_on_artifact(root, run, character):
    public, private = (f"{folder}/a{character}b" for folder in ("public", "private"))
    for name in (public, private):
        run.add(name, b"hello", storage_type="s3")
    for call in (root.queue.artifact, root.queue.getArtifact):
        with refused(500, "InternalServerError"):
            call(run.task_id, 0, public)
    assert root.queue.artifactInfo(run.task_id, 0, public)["storageType"] == "s3"
    assert http("GET", content(root, run, private)["url"])[2] == b"hello"


@pytest.mark.parametrize("end", ["50%", "a%20b", "100%25"])
def test_the_url_of_a_public_s3_artifact_leaves_percent_signs_as_they_are(root, run, end):
    for folder in ("public", "private"):
        run.add(f"{folder}/c d/{end}", b"hello", storage_type="s3")
    url = content(root, run, f"public/c d/{end}")["url"]
    assert url.endswith(f"/{run.task_id}/0/public/c%20d/{end}")
    assert http("GET", url)[0] == 404
    assert http("GET", url.removesuffix(end) + quote(end))[2] == b"hello"
    assert http("PUT", url, b"others")[0] == 403
    assert http("GET", content(root, run, f"private/c d/{end}")["url"])[2] == b"hello"


@pytest.mark.parametrize("name", ["public/A-z_0!@/:.+|9", "/", "public//x/"])
def test_object_artifacts_with_plain_names_work(root, run, name):
    run.add(name, b"hello")
    assert content(root, run, name)["name"] == f"t/{run.task_id}/0/{name}"


def test_a_redirect_tells_where_in_header_and_body(root, run):
    run.add(NAME, b"hello", storage_type="s3")
    answer = root.queue.getLatestArtifact(run.task_id, NAME)
    assert answer["storageType"] == "s3"
    url = f"{root.tc.root_url}/api/queue/v1/task/{run.task_id}/runs/0/artifacts/{NAME}"
    status, headers, _ = http("GET", url)
    assert (status, headers["x-taskcluster-artifact-storage-type"]) == (303, "s3")
    assert http("GET", headers["Location"])[2] == b"hello"


def test_repeating_create_artifact_for_an_object_artifact_is_an_internal_error(run):
    run.announce(NAME)
    with refused(500, "InternalServerError"):
        run.announce(NAME)


def test_repeating_create_artifact_for_others_renews_or_replaces_by_the_rules(root, run):
    run.announce(NAME, storage_type="s3", content_type="text/plain")
    run.announce(NAME, storage_type="s3", content_type="text/plain")
    with refused(409, "RequestConflict"):
        run.announce(NAME, storage_type="s3", content_type="text/html")
    run.add_reference("public/r", "https://one.example/")
    run.add_reference("public/r", "https://two.example/")
    assert content(root, run, "public/r")["url"] == "https://two.example/"
    run.add_link("public/r", NAME)
    assert content(root, run, "public/r")["storageType"] == "s3"
    with refused(409, "RequestConflict"):
        run.add_error("public/r")


def test_finish_artifact_wants_a_finished_upload_and_its_upload_id(run):
    grant = run.announce(NAME)
    with refused(400, "InputError"):
        run.finish(NAME, grant)
    run.upload(grant, b"hello")
    with refused(400, "InputError"):
        run.finish(NAME, {"uploadId": taskcluster.slugId()})
    run.finish(NAME, grant)
    run.finish(NAME, grant)
    with refused(404, "ResourceNotFound"):
        run.finish("public/other", grant)


def test_only_object_artifacts_can_be_finished(run):
    run.add_error(NAME)
    with refused(400, "InputError"):
        run.finish(NAME, {"uploadId": taskcluster.slugId()})


def test_artifacts_can_only_be_created_while_the_run_is_running(run):
    run.complete()
    with refused(409, "RequestConflict"):
        run.add_error(NAME)


def test_artifacts_can_still_be_created_within_25_minutes_after_an_exception(tc, run):
    run.exception()
    with tc.clock.advanced(minutes=20):
        run.add_error(NAME)
    # The worker's credentials end with its claim, so that the queue is asked by somebody else.
    root = Clients(tc, {"clientId": tc.client_id, "accessToken": tc.access_token})
    late = {"storageType": "error", "expires": in_days(2), "reason": "file-missing-on-worker", "message": ""}
    with tc.clock.advanced(minutes=26), refused(409, "RequestConflict"):
        root.queue.createArtifact(run.task_id, 0, "public/late", late)


@pytest.mark.parametrize("task", ["unknown", "unclaimed", "other run"])
def test_artifacts_of_runs_that_nobody_claimed_are_an_input_error(root, worker, task):
    task_id = taskcluster.slugId() if task == "unknown" else worker.create_task()
    artifact = {"storageType": "s3", "expires": in_days(1), "contentType": "text/plain"}
    with refused(400, "InputError"):
        root.queue.createArtifact(task_id, 5 if task == "other run" else 0, NAME, artifact)


@pytest.mark.parametrize("days", [-1, 30])
def test_an_artifact_expires_in_the_future_and_not_after_its_task(root, run, days):
    artifact = {"storageType": "s3", "expires": in_days(days), "contentType": "text/plain"}
    with refused(400, "InputError"):
        root.queue.createArtifact(run.task_id, 0, NAME, artifact)


def test_an_expired_artifact_is_a_410(root, run):
    run.add_reference(NAME, "https://example.com/")
    with root.tc.clock.advanced(days=4), refused(410, "ResourceExpired"):
        content(root, run)


def test_an_unknown_storage_type_is_refused(root, run):
    with refused(400, "InputValidationError"):
        root.queue.createArtifact(run.task_id, 0, NAME, {"storageType": "azure", "expires": in_days(1)})


def test_anonymous_reads_public_artifacts_and_lists_all(anonymous, run):
    run.add(NAME, b"hello", storage_type="s3")
    run.add("private/a.txt", b"hello", storage_type="s3")
    assert len(names(anonymous.queue.listLatestArtifacts(run.task_id))) == 2
    assert content(anonymous, run)["storageType"] == "s3"
    with refused(403, "InsufficientScopes"):
        content(anonymous, run, "private/a.txt")


def test_scope_is_asked_for_before_the_artifact_is_looked_up(anonymous):
    with refused(403, "InsufficientScopes"):
        anonymous.queue.getLatestArtifact(taskcluster.slugId(), "private/a.txt")
