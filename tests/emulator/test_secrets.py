"""The secrets service's quirks."""

from __future__ import annotations

import json

import pytest
from emulator_clients import Clients, fresh, http, in_days, pages, refused

from airflow_provider_taskcluster.emulator import Emulator
from airflow_provider_taskcluster.emulator.api.parsing import LARGEST_BODY


@pytest.fixture
def name():
    return f"project/tests/{fresh('secret')}"


def secret(value, expires=None):
    return {"secret": {"a": value}, "expires": expires or in_days(1)}


def test_a_secret_is_returned_with_its_expiry(root, name):
    assert root.secrets.set(name, secret(1, "2090-01-01T00:00:00+01:00")) == {}
    assert root.secrets.get(name) == {"secret": {"a": 1}, "expires": "2089-12-31T23:00:00.000Z"}


def test_a_date_without_a_zone_is_taken_and_numbers_are_doubles(root, name):
    root.secrets.set(name, secret([1.0, 2**53 + 1], "2090-01-01T00:00:00"))
    assert root.secrets.get(name) == {"secret": {"a": [1, 2**53]}, "expires": "2090-01-01T00:00:00.000Z"}


def test_set_replaces(root, name):
    root.secrets.set(name, {"secret": {"a": 1, "b": 2}, "expires": in_days(1)})
    root.secrets.set(name, secret("new"))
    assert root.secrets.get(name)["secret"] == {"a": "new"}


def test_remove_repeats(root, name):
    root.secrets.set(name, secret(1))
    for _ in range(2):
        assert root.secrets.remove(name) == {}
    with refused(404, "ResourceNotFound"):
        root.secrets.get(name)


def test_an_expired_secret_is_missing_not_gone(root, name):
    root.secrets.set(name, secret(1, in_days(1)))
    with root.tc.clock.advanced(days=2), refused(404, "ResourceNotFound"):
        root.secrets.get(name)
    root.secrets.set(name, secret(1, "2020-01-01T00:00:00Z"))
    with refused(404, "ResourceNotFound"):
        root.secrets.get(name)
    assert name not in root.secrets.list()["secrets"]


def test_without_scope_it_is_a_403_whether_it_exists_or_not(root, holding, name):
    limited = holding("secrets:set:*")
    with refused(403, "InsufficientScopes"):
        limited.secrets.get(name)
    root.secrets.set(name, secret(1))
    with refused(403, "InsufficientScopes") as info:
        limited.secrets.get(name)
    assert f"secrets:get:{name}" in str(info.value)


def test_each_call_needs_its_scope(holding, name):
    limited = holding(f"secrets:get:{name}")
    for call in (lambda s: s.set(name, secret(1)), lambda s: s.remove(name), lambda s: s.list()):
        with refused(403, "InsufficientScopes"):
            call(limited.secrets)
    with refused(404, "ResourceNotFound"):
        limited.secrets.get(name)


@pytest.mark.parametrize("odd", ["a b", "a//b/", "~!@#$%^&*()=+[]{}|;:'\",<>.?", "x" * 300])
def test_any_printable_name_will_do(root, odd):
    root.secrets.set(odd, secret(odd))
    assert root.secrets.get(odd)["secret"] == {"a": odd}
    assert odd in root.secrets.list()["secrets"]


def test_other_names_are_refused(root):
    with refused(400, "InvalidRequestArguments"):
        root.secrets.get("caf\u00e9")


def test_names_are_listed_in_pages_and_by_one_scope(root, holding):
    names = [fresh("listed") for _ in range(5)]
    for each in names:
        root.secrets.set(each, secret("hidden"))
    limited = holding("secrets:list-secrets")
    found = list(pages(lambda query: limited.secrets.list(query=query)))
    assert all(len(page["secrets"]) <= 2 for page in found)
    listed = [each for page in found for each in page["secrets"]]
    assert set(names) <= set(listed)
    assert len(set(listed)) == len(listed)
    assert "hidden" not in json.dumps(found)


@pytest.mark.parametrize(
    "wrong",
    [
        {"secret": {"a": "do-not-show"}},
        {"secret": ["do-not-show"], "expires": "2090-01-01T00:00:00Z"},
        {"secret": {"a": "do-not-show"}, "expires": "tomorrow"},
        {"secret": {"a": "do-not-show"}, "expires": "2090-01-01T00:00:00Z", "more": 1},
    ],
    ids=["no expires", "no object", "no date", "unknown field"],
)
def test_a_400_does_not_echo_the_secret(root, name, wrong):
    with refused(400, "InputValidationError") as info:
        root.secrets.set(name, wrong)
    assert "do-not-show" not in json.dumps(info.value.body)
    assert info.value.body["requestInfo"]["payload"]["secret"] == "(OMITTED)"
    with refused(400, "InputValidationError") as info:
        root.secrets.set(name, ["do-not-show"])
    assert "do-not-show" not in json.dumps(info.value.body)


def test_a_body_over_10_mib_is_a_500(root, name):
    with refused(500, "InternalServerError"):
        root.secrets.set(name, secret("x" * LARGEST_BODY))


def test_secrets_survive_a_restart_and_leave_by_the_sweep(tmp_path, name):
    for restart in range(2):
        with Emulator(data_dir=tmp_path) as tc:
            root = Clients(tc, {"clientId": tc.client_id, "accessToken": tc.access_token})
            if not restart:
                root.secrets.set(name, secret("kept"))
                continue
            assert root.secrets.get(name)["secret"] == {"a": "kept"}
            with tc.clock.advanced(days=2):
                tc.sweep()
            with refused(404, "ResourceNotFound"):
                root.secrets.get(name)


def test_ping_needs_no_credentials(tc, anonymous):
    assert anonymous.secrets.ping()["alive"] is True
    assert http("GET", f"{tc.root_url}/api/secrets/v1/ping")[0] == 200
