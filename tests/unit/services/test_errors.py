from __future__ import annotations

import json

import pytest

from airflow_provider_taskcluster import exceptions
from airflow_provider_taskcluster.services.errors import redirect_error, service_error
from airflow_provider_taskcluster.services.json_objects import json_object

ROOT = "https://tc.example.com"
SCOPES_SENTENCE = (
    "Client ID me does not have sufficient scopes and is missing the following scopes:\n\n```\n{}\n```\n\n"
    "This request requires the client to satisfy the following scope expression:\n\n```\nother:scope\n```\n"
)
ANONYMOUS_SENTENCE = (
    "This request requires Taskcluster credentials that satisfy the following scope expression:\n\n```\n{}\n```\n\n"
    "---\n\n* method:     createUpload\n* errorCode:  InsufficientScopes\n* statusCode: 403"
)


def error(status, body, client_id="me", retry_after=None, *, limited=False):
    text = body if isinstance(body, str) else json.dumps(body)
    return service_error(
        "object.createUpload 'a'",
        root_url=ROOT,
        client_id=client_id,
        status=status,
        body=text,
        limited=limited,
        retry_after=retry_after,
    )


@pytest.mark.parametrize(
    ("status", "code", "kind", "transient"),
    [
        (400, "InputError", exceptions.ServiceError, False),
        (401, "AuthenticationFailed", exceptions.AuthenticationFailed, False),
        (403, "InsufficientScopes", exceptions.InsufficientScopes, False),
        (404, "ResourceNotFound", exceptions.NotFound, False),
        (406, "NoMatchingMethod", exceptions.NoMatchingMethod, False),
        (408, "Timeout", exceptions.ServiceUnavailable, True),
        (409, "RequestConflict", exceptions.Conflict, False),
        (410, "ResourceExpired", exceptions.Expired, False),
        (418, "Teapot", exceptions.ServiceError, False),
        (424, "InputError", exceptions.ServiceError, False),
        (425, "TooEarly", exceptions.ServiceUnavailable, True),
        (429, "TooManyRequests", exceptions.ServiceUnavailable, True),
        (500, "InternalServerError", exceptions.ServiceUnavailable, True),
        (503, "ServiceUnavailable", exceptions.ServiceUnavailable, True),
    ],
)
def test_each_status_has_its_class_and_keeps_its_facts(status, code, kind, transient):
    found = error(status, {"code": code, "message": "because"}, retry_after=3)
    assert type(found) is kind
    assert (found.status, found.code, found.retry_after, found.transient) == (status, code, 3, transient)
    assert "object.createUpload 'a'" in str(found)
    assert ROOT in str(found)


def test_what_the_service_said_is_told_without_the_echo_of_the_request():
    found = error(
        409, {"code": "RequestConflict", "message": "Object exists\n---\n* payload: c0ffee", "requestInfo": {}}
    )
    assert "Object exists" in str(found)
    assert "c0ffee" not in str(found)


def test_request_info_is_never_told():
    body = {"code": "InputError", "message": "bad", "requestInfo": {"payload": {"uploadId": "c0ffee"}}}
    assert "c0ffee" not in str(error(400, body))


def test_a_very_long_message_is_cut():
    assert len(str(error(400, {"code": "InputError", "message": "x" * 10_000}))) < 1000


@pytest.mark.parametrize(
    ("client_id", "limited", "next_step"),
    [
        ("me", False, "; grant client 'me' the scope object:upload:p:a"),
        ("me", True, "; the connection's authorized scopes leave it out: add to them the scope object:upload:p:a"),
        (None, False, "set client ID and access token of a client that holds the scope object:upload:p:a"),
    ],
)
def test_a_403_says_where_which_scope_is_lacking(client_id, limited, next_step):
    message = SCOPES_SENTENCE.format("object:upload:p:a")
    found = error(403, {"code": "InsufficientScopes", "message": message}, client_id, limited=limited)
    assert str(found).endswith(next_step)


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        ("object:upload:p:my file", "object:upload:p:my file"),
        ('{\n  "AllOf": [\n    "a:b",\n    "c:d"\n  ]\n}', "a:b and c:d"),
    ],
)
def test_the_other_words_for_anonymous_callers_name_the_scopes_as_well(expression, told):
    body = {"code": "InsufficientScopes", "message": ANONYMOUS_SENTENCE.format(expression)}
    assert str(error(403, body, None)).endswith(f"of a client that holds the scope {told}")


@pytest.mark.parametrize("message", [SCOPES_SENTENCE, ANONYMOUS_SENTENCE, "missing the following scopes: ```{}"])
def test_a_message_without_an_end_or_of_blanks_alone_is_read_at_once(message):
    for filling in ("", " " * 65536, "`" * 65536, "\n```" * 20000):
        found = error(403, {"code": "InsufficientScopes", "message": message.format(filling)}, None)
        assert "scopes are missing" in str(found)


def test_several_missing_scopes_are_listed_and_spaces_in_them_kept():
    message = SCOPES_SENTENCE.format("object:upload:p:my file\nobject:download:b")
    found = error(403, {"code": "InsufficientScopes", "message": message})
    assert str(found).endswith("the scope object:upload:p:my file, object:download:b")


def test_a_scope_is_told_as_it_is_whatever_its_name_looks_like():
    message = SCOPES_SENTENCE.format("object:upload:p:mirror/https://me@host/a?b=c")
    assert str(error(403, {"code": "InsufficientScopes", "message": message})).endswith(
        "p:mirror/https://me@host/a?b=c"
    )


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        ({"AnyOf": ["a:b", "c:d"]}, "one of a:b, c:d"),
        ({"AllOf": ["x:y", {"AnyOf": ["a:b", "c:d"]}]}, "x:y and one of a:b, c:d"),
        ({"AnyOf": ["a:b", {"AllOf": ["c:d", "e:f"]}]}, "one of a:b, c:d and e:f"),
        ({"AllOf": ["a:b", {"NoneOf": ["c:d"]}]}, "a:b and ..."),
        ({"NoneOf": "a:b"}, '{ "NoneOf": "a:b" }'),
    ],
)
def test_a_scope_expression_is_told_in_words(expression, told):
    message = SCOPES_SENTENCE.format(json.dumps(expression, indent=2))
    found = error(403, {"code": "InsufficientScopes", "message": message})
    assert str(found).endswith(f"the scope {told}")


@pytest.mark.parametrize("depth", [10, 100_000])
def test_a_scope_expression_that_is_too_deep_is_cut(depth):
    message = SCOPES_SENTENCE.format('{"AllOf": [' * depth + '"a:b"' + "]}" * depth)
    assert "scopes are missing; grant client" in str(error(403, {"code": "InsufficientScopes", "message": message}))


def test_a_403_in_other_words_is_told_as_it_is():
    assert "because I say so" in str(error(403, {"code": "InsufficientScopes", "message": "because I say so"}))


@pytest.mark.parametrize(("client_id", "who"), [("me", "client 'me'"), (None, "the anonymous client")])
def test_a_401_says_whose_credentials_to_check(client_id, who):
    found = error(401, {"code": "AuthenticationFailed", "message": "no"}, client_id)
    assert str(found).endswith(f"check client ID and access token of {who}")


@pytest.mark.parametrize(
    ("ahead", "next_step"),
    [
        (
            1023.4,
            "; the clock of this worker is 17 min 3 s ahead of that of the service, and signatures carry the time: ",
        ),
        (-86400, "; the clock of this worker is 1440 min 0 s behind that of the service, and signatures carry"),
        (None, "; the clock of this worker is minutes off, and signatures carry the time: set it right"),
        (-2.0, "; the clocks of this worker and the service agree now: the request may have been long under way"),
    ],
)
def test_a_401_for_its_time_names_the_clock_and_how_far_it_is_off(ahead, next_step):
    body = json.dumps({"code": "AuthenticationFailed", "message": "Unauthorized: Stale timestamp"})
    found = service_error("queue.task 'a'", root_url=ROOT, client_id="me", status=401, body=body, clock_ahead=ahead)
    assert next_step in str(found)
    assert "check client ID" not in str(found)


def test_a_401_for_something_else_says_nothing_of_clocks():
    body = json.dumps({"code": "AuthenticationFailed", "message": "Unauthorized: Bad mac"})
    found = service_error("queue.task 'a'", root_url=ROOT, client_id="me", status=401, body=body, clock_ahead=5000)
    assert str(found).endswith("check client ID and access token of client 'me'")


def test_a_401_of_a_limited_call_may_come_from_what_it_is_limited_to():
    found = error(401, {"code": "AuthenticationFailed", "message": "no"}, limited=True)
    assert str(found).endswith("of client 'me', and that it holds all of the connection's authorized scopes")


@pytest.mark.parametrize("body", ["", "<html>Not here</html>", "[]", '"text"', "null", "{}", '{"code": null}'])
@pytest.mark.parametrize("status", [400, 401, 403, 404, 413])
def test_an_answer_that_is_not_taskclusters_asks_whether_the_root_url_is_right(status, body):
    found = error(status, body)
    assert type(found) is exceptions.ServiceError  # above all no NotFound, which a sensor would wait on
    assert found.status == status
    assert f"is {ROOT} the root URL of a deployment?" in str(found)


@pytest.mark.parametrize("body", ["", "<html>Bad gateway</html>", '{"message": null}'])
def test_a_proxy_that_cannot_answer_now_is_transient_without_any_json(body):
    found = error(502, body)
    assert type(found) is exceptions.ServiceUnavailable
    assert "(502 no Taskcluster error): no message" in str(found)


@pytest.mark.parametrize(
    ("call", "hint"),
    [
        (
            "object.object 'a'",
            "; there is no such object, or its upload is not finished: wait with TaskclusterObjectSensor",
        ),
        ("object.startDownload 'a'", "not finished: wait with TaskclusterObjectSensor"),
        (
            "queue.latestArtifact 't' 'a'",
            "; no such task, run or artifact, or not yet: wait with TaskclusterArtifactSensor",
        ),
        ("queue.artifactInfo 't' 0 'a'", "not yet: wait with TaskclusterArtifactSensor"),
        ("object.finishUpload 'a'", "Not here; check the name, and whether it has expired"),
        ("queue.listArtifacts 't' 0", "Not here; check the name, and whether it has expired"),
    ],
)
def test_a_404_says_what_is_missing_and_what_waits_for_it(call, hint):
    body = json.dumps({"code": "ResourceNotFound", "message": "Not here"})
    found = service_error(call, root_url=ROOT, client_id="me", status=404, body=body)
    assert str(found).endswith(hint)


@pytest.mark.parametrize(
    ("status", "code", "next_step"),
    [
        (410, "ResourceExpired", "; have it made again"),
        (429, "RateLimit", "; it may pass: let the task try again"),
        (503, "", "; it may pass: let the task try again"),
    ],
)
def test_what_is_gone_and_what_may_pass_is_said(status, code, next_step):
    assert str(error(status, {"code": code, "message": "said"})).endswith(next_step)


@pytest.mark.parametrize("status", [400, 403, 409, 500])
def test_every_message_is_one_line(status):
    code = {"code": "Some\nCode", "message": "first\n\n  second\x1b[31m\r\nthird"}
    message = str(error(status, code))
    assert message.isprintable()
    assert r"first\nsecond\x1b[31m\nthird" in message


def test_a_long_list_of_scopes_is_cut():
    found = error(403, {"code": "InsufficientScopes", "message": SCOPES_SENTENCE.format("a:b:c\n" * 1000)})
    assert len(str(found)) < 1000


@pytest.mark.parametrize(
    ("location", "says"),
    [
        ("https://tc.example.org/api/x?secret=c0ffee", "it redirects to https://tc.example.org (301)"),
        ("https://me:c0ffee@tc.example.org", "it redirects to https://tc.example.org (301)"),
        ("//tc.example.org/x", "it redirects to https://tc.example.org (301)"),
        ("/login?secret=c0ffee", "a redirect (301) that is not Taskcluster's"),
        ("https://[bad?c0ffee", "a redirect (301) that is not Taskcluster's"),
        (None, "a redirect (301) that is not Taskcluster's"),
    ],
)
def test_a_redirect_is_told_by_scheme_and_host_alone(location, says):
    found = redirect_error("object.ping", ROOT, 301, location)
    assert says in str(found)
    assert "c0ffee" not in str(found)
    assert (found.status, found.transient) == (301, False)


WHOLE = {"code": "Odd", "message": 'as "it" is', "requestInfo": {"payload": [1, {"a": None}]}}


def test_of_an_error_that_is_cut_what_is_whole_counts():
    text = json.dumps(WHOLE, indent=1)
    for end in range(len(text)):
        found = json_object(text[:end])
        assert found == {name: WHOLE[name] for name in found}
        assert ("code" in found) == (end > text.index('"Odd"') + 4)
        assert ("message" in found) == (end > text.index(' is"') + 3)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "{}",
        "[]",
        "null",
        '{"a"',
        '{"a" 1}',
        "{1: 2",
        "{[]: 2",
        "{,",
        "[" * 100_000,
        '{"a":' * 100_000,
        "{{" * 9,
    ],
)
def test_what_is_no_object_has_no_members(text):
    assert json_object(text) == {}


def test_the_scopes_of_a_403_are_those_between_the_fences():
    for fences in ("``` ", "```" * 20_000, "missing the following scopes: ```" + " " * 60_000):
        assert isinstance(error(403, {"code": "InsufficientScopes", "message": fences}), exceptions.InsufficientScopes)
