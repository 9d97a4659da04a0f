"""Authentication: Hawk, bewits, temporary credentials, scopes and the anonymous role."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import mohawk
import pytest
import taskcluster
from emulator_clients import Clients, Upload, fresh, http, refused

from airflow_provider_taskcluster.emulator.worker import Worker

NOW = timedelta(0)
HOUR = timedelta(hours=1)


def temporary(clients, *scopes, name=None, start=-HOUR, expiry=HOUR):
    now = datetime.now(UTC)
    made = taskcluster.createTemporaryCredentials(
        clients.credentials["clientId"],
        clients.credentials["accessToken"],
        now + start,
        now + expiry,
        list(scopes),
        name=name,
    )
    return {key: value.decode() if isinstance(value, bytes) else value for key, value in made.items()}


def scopes_of(clients):
    return clients.auth.currentScopes()["scopes"]


def test_ping_looks_at_no_credentials(tc):
    wrong = Clients(tc, {"clientId": "nobody", "accessToken": "x" * 44})
    for client in (wrong.auth, wrong.index, wrong.queue, wrong.object, wrong.purge_cache):
        assert client.ping()["alive"] is True


def test_current_scopes_are_expanded_and_reduced(root, holding):
    assert scopes_of(root) == ["*"]
    limited = holding("auth:current-scopes", "a:b", "a:*")
    assert scopes_of(limited) == [
        "a:*",
        "assume:anonymous",
        "auth:current-scopes",
        "queue:get-artifact:public/*",
        "queue:list-artifacts:*",
    ]


def test_the_journal_tells_who_asked_and_no_secret(tc, holding, anonymous):
    limited = holding("auth:current-scopes")
    with tc.journal.recording() as seen:
        limited.auth.currentScopes()
        anonymous.auth.ping()
    first, second = seen
    assert (first.client_id, second.client_id) == (limited.credentials["clientId"], None)
    assert "mac" not in repr(first)


def test_current_scopes_needs_a_scope_itself(holding):
    with refused(403, "InsufficientScopes"):
        scopes_of(holding())


def test_anonymous_without_scope_is_a_403_not_a_401(anonymous):
    with refused(403, "InsufficientScopes") as info:
        anonymous.object.object("anything")
    said = info.value.body["message"].partition("\n---\n")[0].split()
    wanted = "This request requires Taskcluster credentials that satisfy the following scope expression:"
    assert said == [*wanted.split(), "```", "object:download:anything", "```"]


def test_a_client_without_scope_is_told_what_it_lacks_and_what_the_call_takes(holding):
    limited = holding("queue:route:a", client_id="tests/lacking")
    with refused(403, "InsufficientScopes") as info:
        limited.object.object("anything")
    lacks = "Client ID tests/lacking does not have sufficient scopes and is missing the following scopes:"
    takes = "This request requires the client to satisfy the following scope expression:"
    said = info.value.body["message"].partition("\n\n---\n")[0].split("\n\n")
    assert said == [lacks, "```\nobject:download:anything\n```", takes, "```\nobject:download:anything\n```"]


def test_several_scopes_are_one_expression_as_json(holding, worker):
    limited = Worker(worker.root_url, holding("queue:route:a").credentials, task_queue_id=worker.task_queue_id)
    with refused(403, "InsufficientScopes") as info:
        limited.create_task(routes=["a", "b"], scopes=["c"])
    lacking, required = (json.loads(text) for text in info.value.body["message"].split("```")[1:4:2])
    assert lacking["AllOf"][:2] == ["c", "queue:route:b"]
    assert required["AllOf"][:3] == ["c", "queue:route:a", "queue:route:b"]
    with refused(403, "InsufficientScopes") as info:
        Worker(
            worker.root_url,
            holding("queue:route:*", "queue:create-task:project:*", "queue:scheduler-id:*").credentials,
            task_queue_id=worker.task_queue_id,
        ).create_task()
    (lacking, required) = (json.loads(text) for text in info.value.body["message"].split("```")[1:4:2])
    assert len(lacking["AnyOf"]) > 1
    assert required["AllOf"][-1] == lacking


def test_the_anonymous_role_is_everybodys(tc, anonymous, holding, anonymous_scopes, root):
    upload = Upload(root).done()
    limited = holding()
    anonymous_scopes("object:download:*")
    for clients in (anonymous, limited):
        assert clients.object.object(upload.name)["projectId"] == "tests"
    assert tc.anonymous_scopes == ["object:download:*"]


def test_an_unknown_client_is_a_401(tc):
    with refused(401, "AuthenticationFailed"):
        Clients(tc, {"clientId": "nobody", "accessToken": "x" * 44}).auth.currentScopes()


def test_a_wrong_access_token_is_a_401_that_does_not_tell_the_right_signature(tc):
    with refused(401, "AuthenticationFailed") as info:
        Clients(tc, {"clientId": tc.client_id, "accessToken": "wrong"}).auth.currentScopes()
    assert "Bad mac" in str(info.value)


def test_wrong_credentials_are_a_401_even_where_anonymous_would_do(tc, run):
    with refused(401, "AuthenticationFailed"):
        Clients(tc, {"clientId": tc.client_id, "accessToken": "wrong"}).queue.listLatestArtifacts(run.task_id)


def test_a_scope_with_a_star_covers_what_begins_with_it(root, holding):
    upload = Upload(root, fresh("team/a")).done()
    assert holding("object:download:team/*").object.object(upload.name)
    with refused(403, "InsufficientScopes"):
        holding("object:download:team").object.object(upload.name)


@pytest.mark.parametrize("name", [None, "tests/named"], ids=["unnamed", "named"])
def test_temporary_credentials_hold_their_scopes_only(tc, root, name):
    clients = Clients(tc, temporary(root, "auth:current-scopes", "x:*", name=name))
    assert {"auth:current-scopes", "x:*"} <= set(scopes_of(clients))
    assert "*" not in scopes_of(clients)
    with refused(403, "InsufficientScopes") as info:
        clients.object.object("anything")
    assert (name or tc.client_id) in str(info.value)


@pytest.mark.parametrize(("start", "expiry"), [(-2 * HOUR, -HOUR), (HOUR, 2 * HOUR)], ids=["expired", "early"])
def test_temporary_credentials_hold_for_their_time_only(tc, root, start, expiry):
    with refused(401, "AuthenticationFailed"):
        scopes_of(Clients(tc, temporary(root, "*", start=start, expiry=expiry)))


def test_temporary_credentials_run_out_with_the_clock(tc, root):
    clients = Clients(tc, temporary(root, "auth:current-scopes"))
    assert scopes_of(clients)
    with tc.clock.advanced(minutes=66), refused(401, "AuthenticationFailed"):
        scopes_of(clients)


def test_the_issuer_must_hold_what_it_grants(tc, holding):
    issuer = holding("auth:current-scopes", "x:*")
    assert scopes_of(Clients(tc, temporary(issuer, "auth:current-scopes", "x:y")))
    with refused(401, "AuthenticationFailed") as info:
        scopes_of(Clients(tc, temporary(issuer, "y:z")))
    assert "y:z" in str(info.value)


def test_a_named_certificate_needs_the_scope_to_create_that_client(tc, holding):
    issuer = holding("auth:current-scopes", "auth:create-client:mine/*")
    assert scopes_of(Clients(tc, temporary(issuer, "auth:current-scopes", name="mine/x")))
    with refused(401, "AuthenticationFailed"):
        scopes_of(Clients(tc, temporary(issuer, "auth:current-scopes", name="yours/x")))


@pytest.mark.parametrize(
    "change",
    [
        {"scopes": ["*"]},
        {"expiry": 4102444800000},
        {"signature": "AAAA"},
        {"seed": "short"},
        {"version": 2},
        {"start": "today"},
        {"issuer": "nobody"},
        {"scopes": "*"},
    ],
    ids=str,
)
def test_a_tampered_certificate_is_a_401(tc, root, change):
    credentials = temporary(root, "auth:current-scopes", name="tests/named")
    certificate = {**json.loads(credentials["certificate"]), **change}
    with refused(401, "AuthenticationFailed"):
        scopes_of(Clients(tc, {**credentials, "certificate": json.dumps(certificate)}))


def test_a_named_certificate_is_good_for_its_name_only(tc, root):
    credentials = {**temporary(root, "auth:current-scopes", name="tests/a"), "clientId": "tests/b"}
    with refused(401, "AuthenticationFailed"):
        scopes_of(Clients(tc, credentials))


def test_authorized_scopes_narrow_what_a_caller_holds(tc, root):
    narrowed = Clients(tc, root.credentials, authorizedScopes=["auth:current-scopes", "x:*"])
    assert "*" not in scopes_of(narrowed)
    with refused(403, "InsufficientScopes"):
        narrowed.object.object("anything")


def test_authorized_scopes_must_be_held(tc, holding):
    limited = holding("auth:current-scopes")
    greedy = Clients(tc, limited.credentials, authorizedScopes=["auth:current-scopes", "x:*"])
    with refused(401, "AuthenticationFailed") as info:
        scopes_of(greedy)
    assert "x:*" in str(info.value)


def test_a_signed_url_works_without_further_credentials(tc, root):
    upload = Upload(root).done()
    for credentials in (root.credentials, temporary(root, "object:download:*", name="tests/n")):
        url = Clients(tc, credentials).object.buildSignedUrl("object", upload.name)
        assert http("GET", url)[0] == 200


def test_a_signed_url_with_a_query_works(root, run):
    url = root.queue.buildSignedUrl("listArtifacts", run.task_id, 0)
    assert http("GET", url)[0] == 200
    url = root.queue.buildSignedUrl("listArtifacts", params={"taskId": run.task_id, "runId": "0"}, query={"limit": "5"})
    assert http("GET", url)[0] == 200
    assert http("GET", url.replace("limit=5", "limit=6"))[0] == 401


def test_a_signed_url_expires(tc, root):
    upload = Upload(root).done()
    url = root.object.buildSignedUrl("object", upload.name, expiration=60)
    with tc.clock.advanced(seconds=61):
        assert http("GET", url)[0] == 401


def test_a_tampered_bewit_is_a_401(root):
    upload, other = Upload(root).done(), Upload(root).done()
    url = root.object.buildSignedUrl("object", upload.name)
    assert http("GET", url.replace(upload.name, other.name))[0] == 401
    base, bewit = url.split("bewit=")
    parts = base64.urlsafe_b64decode(bewit + "=" * (-len(bewit) % 4)).split(b"\\")
    parts[1] = b"4102444800"
    later = base64.urlsafe_b64encode(b"\\".join(parts)).decode().rstrip("=")
    for tampered in (later, bewit[:-10], "", "%%%", "bm90aGluZw"):
        assert http("GET", f"{base}bewit={tampered}")[0] == 401


def test_a_bewit_is_for_get_only(root):
    upload = Upload(root)
    payload = {**upload.identity, "proposedUploadMethods": {}}
    url = root.object.buildSignedUrl("createUpload", params={"name": upload.name}, payload=payload)
    body = json.dumps(payload).encode()
    assert http("PUT", url, body, {"Content-Type": "application/json"})[0] == 401


def test_two_authentication_schemes_at_once_are_a_401(root):
    url = root.object.buildSignedUrl("object", Upload(root).done().name)
    assert http("GET", url, headers={"Authorization": signed(root, url)})[0] == 401


def signed(clients, url, method="GET", **options):
    key = {"id": clients.credentials["clientId"], "key": clients.credentials["accessToken"]}
    options = {"content": "", "content_type": "", **options}
    return mohawk.Sender({**key, "algorithm": "sha256"}, url, method, **options).request_header


def test_a_signature_is_for_one_method_url_and_body(tc, root):
    url = f"{tc.root_url}/api/auth/v1/scopes/current"
    assert http("GET", url, headers={"Authorization": signed(root, url)})[0] == 200
    assert http("GET", url, headers={"Authorization": signed(root, url, "POST")})[0] == 401
    assert http("GET", url, headers={"Authorization": signed(root, url + "x")})[0] == 401
    body = json.dumps({"cacheName": "c"}).encode()
    url = f"{tc.root_url}/api/purge-cache/v1/purge-cache/a%2Fb"
    header = signed(root, url, "POST", content=body, content_type="application/json")
    headers = {"Authorization": header, "Content-Type": "application/json"}
    assert http("POST", url, body, headers)[0] == 204
    status, _, answer = http("POST", url, body.replace(b'"c"', b'"d"'), headers)
    assert status == 401
    assert "Bad payload hash" in json.loads(answer)["message"]


def test_a_stale_time_stamp_is_a_401(tc, root):
    url = f"{tc.root_url}/api/auth/v1/scopes/current"
    now = int(datetime.now(UTC).timestamp())
    for age, status in ((14 * 60, 200), (16 * 60, 401), (-16 * 60, 401)):
        header = signed(root, url, _timestamp=now - age)
        found, headers, body = http("GET", url, headers={"Authorization": header})
        assert found == status
        if status == 401:
            assert "Stale timestamp" in json.loads(body)["message"]
            assert abs(parsedate_to_datetime(headers["Date"]).timestamp() - now) < 60, "by which a client sees it"


def test_the_signature_is_checked_over_the_url_as_the_client_saw_it(tc, root):
    path = "/api/auth/v1/scopes/current"
    header = signed(root, f"https://tc.example.com{path}")
    forwarded = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "tc.example.com"}
    assert http("GET", tc.root_url + path, headers={"Authorization": header, **forwarded})[0] == 200
    as_host = {"X-Forwarded-Proto": "https", "Host": "tc.example.com"}
    assert http("GET", tc.root_url + path, headers={"Authorization": header, **as_host})[0] == 200
    header = signed(root, f"https://tc.example.com:8443{path}")
    ported = {**forwarded, "X-Forwarded-Port": "8443"}
    assert http("GET", tc.root_url + path, headers={"Authorization": header, **ported})[0] == 200
    assert http("GET", tc.root_url + path, headers={"Authorization": header})[0] == 401


@pytest.mark.parametrize(
    "header",
    ["Basic abc", "Hawk", "Hawk ", "nonsense", 'Hawk id="a"', 'Hawk id="x", mac="y", ts="z", nonce="n"', "é"],
)
def test_any_other_authorization_is_a_401(tc, header):
    url = f"{tc.root_url}/api/auth/v1/scopes/current"
    assert http("GET", url, headers={"Authorization": header})[0] == 401


def test_an_unreadable_ext_is_a_401(tc, root):
    url = f"{tc.root_url}/api/auth/v1/scopes/current"
    for ext in ("nonsense", "bnVsbA==", base64.b64encode(b'{"certificate": 5}').decode()):
        assert http("GET", url, headers={"Authorization": signed(root, url, ext=ext)})[0] == 401
