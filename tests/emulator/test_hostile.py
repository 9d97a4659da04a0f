"""Malicious requests, and the form of every refusal."""

from __future__ import annotations

import http.client
import json
import socket
from urllib.parse import urlsplit

import mohawk
import pytest
from emulator_clients import Upload, fresh, refused
from emulator_clients import http as request


def send(clients, method, path, body, content_type="application/json"):
    """Send a correctly signed request with any body."""
    url = f"{clients.tc.root_url}/api{path}"
    key = {"id": clients.credentials["clientId"], "key": clients.credentials["accessToken"]}
    sender = mohawk.Sender({**key, "algorithm": "sha256"}, url, method, content=body, content_type=content_type)
    headers = {"Authorization": sender.request_header, "Content-Type": content_type}
    status, _, answer = request(method, url, body, headers)
    return status, json.loads(answer)["code"]


@pytest.mark.parametrize("body", [b"{", b"nonsense", b"\xff\xfe", b"[" * 100_000, b'{"a": }'])
def test_a_body_that_is_no_json_is_refused(root, body):
    assert send(root, "PUT", "/object/v1/upload/x", body) == (400, "MalformedPayload")


@pytest.mark.parametrize("body", [b"[]", b"5", b"null", b'"text"', b"{}", b'{"projectId": 5}'])
def test_a_body_of_another_shape_is_refused(root, body):
    assert send(root, "PUT", "/object/v1/upload/x", body) == (400, "InputValidationError")


def test_a_body_that_does_not_say_it_is_json_is_refused(root):
    assert send(root, "PUT", "/object/v1/upload/x", b"{}", "text/plain") == (400, "MalformedPayload")


def test_a_body_over_10_mb_is_refused(root):
    body = b'"' + b"x" * (10 * 1024 * 1024) + b'"'
    assert send(root, "PUT", "/object/v1/upload/x", body) == (500, "InternalServerError")


def test_an_unknown_field_is_refused_by_name(root):
    with refused(400, "InputValidationError") as info:
        Upload(root, surprise=1).create()
    assert '  * data must NOT have additional properties: "surprise"' in str(info.value)


@pytest.mark.parametrize(
    "instant",
    ["tomorrow", "2031-01-01", "2031-01-01T00:00:00", "2031-13-01T00:00:00Z", "2031-01-01T25:00:00Z", ""],
)
def test_an_instant_of_another_form_is_refused(root, instant):
    with refused(400, "InputValidationError"):
        Upload(root, expires=instant).create()


def test_an_unknown_query_parameter_is_refused(root, run):
    with refused(400, "InvalidRequestArguments"):
        root.queue.listArtifacts(run.task_id, 0, query={"offset": "5"})
    with refused(400, "InvalidRequestArguments"):
        root.queue.listArtifacts(run.task_id, 0, query={"limit": "-1"})


def test_a_refusal_has_code_message_and_an_echo_of_the_request(root):
    upload = Upload(root)
    upload.create()
    with refused(409, "RequestConflict") as info:
        Upload(root, upload.name).create()
    body = info.value.body
    assert set(body) == {"code", "message", "requestInfo"}
    assert body["message"].startswith("Object already exists\n")
    assert "* errorCode:  RequestConflict\n* statusCode: 409" in body["message"]
    echo = body["requestInfo"]
    assert (echo["method"], echo["params"]) == ("createUpload", {"name": upload.name})
    assert echo["payload"]["projectId"] == "tests"


def test_an_insufficient_scopes_message_names_what_is_missing(holding):
    name = fresh("secret")
    with refused(403, "InsufficientScopes") as info:
        holding(client_id="tests/poor").object.object(name)
    assert "tests/poor does not have sufficient scopes" in str(info.value)
    assert f"object:download:{name}" in str(info.value)


def test_huge_headers_are_refused(tc):
    headers = {"X-Huge": "x" * 20_000}
    assert request("GET", f"{tc.root_url}/api/auth/v1/ping", headers=headers)[0] == 431


@pytest.mark.parametrize("path", ["/", "/api", "/api/github/v1/ping", "/api/queue/v2/ping", "/api/queue/v1/ping/"])
def test_an_unknown_route_is_not_found(tc, path):
    assert request("GET", tc.root_url + path)[0] == 404


def test_a_method_that_a_route_does_not_have_is_refused(tc):
    assert request("DELETE", f"{tc.root_url}/api/auth/v1/ping")[0] == 405


@pytest.mark.parametrize("name", ["%FF", "%C3%A9", "%00", "%0A", ""])
def test_a_path_that_is_no_name_is_refused(tc, name):
    status, _, body = request("GET", f"{tc.root_url}/api/object/v1/metadata/{name}")
    assert (status, json.loads(body)["code"]) == (400, "InvalidRequestArguments")


def test_garbage_on_the_wire_ends_the_connection_and_nothing_else(tc):
    for address in (tc.root_url, tc.store_url):
        parts = urlsplit(address)
        with socket.create_connection((parts.hostname, parts.port), timeout=5) as wire:
            wire.sendall(b"\x00\x01garbage\r\n\r\n")
            while wire.recv(1000):
                pass
    assert request("GET", f"{tc.root_url}/api/auth/v1/ping")[0] == 200


def test_a_client_that_leaves_in_the_middle_of_a_body_is_forgotten(tc):
    parts = urlsplit(tc.root_url)
    with socket.create_connection((parts.hostname, parts.port)) as wire:
        wire.sendall(b"PUT /api/object/v1/upload/x HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
    assert request("GET", f"{tc.root_url}/api/auth/v1/ping")[0] == 200


def test_a_bug_is_an_internal_server_error_that_tells_nothing(root, monkeypatch):
    def broken(*_):
        raise RuntimeError("secret detail")

    monkeypatch.setattr("airflow_provider_taskcluster.emulator.services.objects.unpack", broken)
    upload = Upload(root)
    with refused(500, "InternalServerError") as info:
        upload.create()
        root.object.object(upload.done().name)
    assert "secret detail" not in json.dumps(info.value.body)
    assert "incidentId" in str(info.value)


def test_many_calls_go_over_one_connection(tc):
    parts = urlsplit(tc.root_url)
    connection = http.client.HTTPConnection(parts.netloc)
    with tc.journal.recording() as seen:
        for _ in range(20):
            connection.request("GET", "/api/queue/v1/ping")
            assert connection.getresponse().read()
    connection.close()
    assert len({entry.connection for entry in seen}) == 1
