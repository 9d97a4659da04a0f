from __future__ import annotations

import pytest

from airflow_provider_taskcluster.common import values
from airflow_provider_taskcluster.exceptions import ConfigurationError


@pytest.mark.parametrize("value", [True, "true", "True", " yes ", "y", "on", "1", 1])
def test_true_has_several_spellings(value):
    assert values.boolean(value, "x") is True


@pytest.mark.parametrize("value", [False, "false", "FALSE", "no", "off", "0", 0])
def test_false_has_several_spellings(value):
    assert values.boolean(value, "x") is False


@pytest.mark.parametrize("value", [None, "", "maybe", 2, [], {}], ids=repr)
def test_anything_else_is_neither_true_nor_false(value):
    with pytest.raises(ConfigurationError, match=r"field is .*: write true or false"):
        values.boolean(value, "field")


@pytest.mark.parametrize(("value", "number"), [(1, 1.0), ("2.5", 2.5), (0.1, 0.1), (" 7 ", 7.0)])
def test_a_number_of_seconds(value, number):
    assert values.positive_number(value, "x") == number


@pytest.mark.parametrize("value", [0, -1, "0", "nan", "inf", True, None, "ten", [], 10**400], ids=lambda v: repr(v)[:9])
def test_a_number_of_seconds_is_finite_and_above_zero(value):
    with pytest.raises(ConfigurationError, match=r"field is .*: write a number of seconds above 0"):
        values.positive_number(value, "field")


@pytest.mark.parametrize(("value", "number"), [(0, 0), (5, 5), ("5", 5), (" 7 ", 7), (3.0, 3), ("3.0", 3)])
def test_a_count(value, number):
    assert values.whole_number(value, "x") == number


@pytest.mark.parametrize("value", [-1, 2.5, "2.5", "-3.0", "five", "inf", None, True, "-3", [], b"3", 1e400], ids=repr)
def test_a_count_is_whole_and_not_negative(value):
    with pytest.raises(ConfigurationError, match=r"field is .*: write a whole number, 0 or more"):
        values.whole_number(value, "field")


def test_verify_is_a_switch_or_the_path_of_a_bundle(tmp_path):
    bundle = tmp_path / "ca.pem"
    bundle.touch()
    assert values.verify("true", "x") is True
    assert values.verify("off", "x") is False
    assert values.verify(str(bundle), "x") == str(bundle)
    with pytest.raises(ConfigurationError, match="there is no such file"):  # JSON calls and bytes take a file
        values.verify(str(tmp_path), "x")


@pytest.mark.parametrize(
    "value", ["/no/such/ca.pem", "-----BEGIN CERTIFICATE-----" + 999 * "MIIB", "nul\0", "maybe"], ids=lambda v: v[:9]
)
def test_a_bundle_that_is_not_there_is_refused(value):
    with pytest.raises(ConfigurationError, match="there is no such file: write true, false or a CA bundle"):
        values.verify(value, "field")


@pytest.mark.parametrize(
    "value", ["a:b c:*", " a:b\n c:* ", '["a:b", "c:*"]', ' ["a:b", "c:*"]', ["a:b", "c:*"], ("a:b", "c:*")], ids=repr
)
def test_scopes_are_words_or_a_list(value):
    assert values.scopes(value, "x") == ("a:b", "c:*")


@pytest.mark.parametrize(
    "value", ["a.example *.b.example", '["a.example", "*.b.example"]', ("a.example", "*.b.example")]
)
def test_hosts_are_words_or_a_list(value):
    assert values.hosts(value, "x") == ("a.example", "*.b.example")


@pytest.mark.parametrize("value", [7, "https://a.example", ["a*.example"], [7], "a.example:80", {"a": 1}], ids=repr)
def test_hosts_that_cannot_be_are_refused(value):
    with pytest.raises(ConfigurationError, match="field"):
        values.hosts(value, "field")


def test_a_scope_with_a_space_is_written_in_a_list():
    assert values.scopes('["object:upload:p:my file"]', "x") == ("object:upload:p:my file",)


@pytest.mark.parametrize("value", [7, {"a": 1}, ["a", 1], [""], "[1]", [None], " "], ids=repr)
def test_scopes_of_another_shape_are_refused(value):
    with pytest.raises(ConfigurationError, match="field: write scopes separated by spaces, or a JSON list"):
        values.scopes(value, "field")


@pytest.mark.parametrize("read", [values.scopes, values.proxies])
def test_json_that_is_nested_too_deeply_is_not_valid(read):
    with pytest.raises(ConfigurationError, match=r"^field is not valid JSON: correct or clear it$"):
        read("[" * 200_000, "field")


@pytest.mark.parametrize("read", [values.scopes, values.proxies])
def test_broken_json_is_named_and_not_shown(read):
    with pytest.raises(ConfigurationError, match=r"^field is not valid JSON: correct or clear it$"):
        read('["http://me:secret@', "field")


@pytest.mark.parametrize("value", ['{"https": "http://proxy:3128"}', {"https": "http://proxy:3128"}], ids=repr)
def test_proxies_are_an_object_or_json_of_one(value):
    assert values.proxies(value, "x") == {"https": "http://proxy:3128"}


@pytest.mark.parametrize(
    "value",
    [
        *("7", [], {"ftp": "http://p:1"}, {"https": "me:secret@p:1"}, {"https": None}, '"http://p:1"'),
        *({"https": "http://"}, {"https": "http://:3128"}, {"https": "http://me:secret@"}, {"https": "http://[p"}),
        *({"https": "http://p:port"}, {"https": "socks5://me:secret@p:1"}),
    ],
    ids=repr,
)
def test_proxies_of_another_shape_are_refused_without_showing_them(value):
    with pytest.raises(ConfigurationError, match="field: write JSON such as") as caught:
        values.proxies(value, "field")
    assert "secret" not in str(caught.value)


def test_schemes_of_proxies_may_be_in_capitals():
    given = {"HTTPS": "HTTP://me:Secret@Proxy:1", "http": "Https://p:2"}
    assert values.proxies(given, "field") == {"https": "http://me:Secret@Proxy:1", "http": "https://p:2"}


def test_a_text_is_a_text():
    assert values.text("project", "x") == "project"
    with pytest.raises(ConfigurationError, match=r"^field is not a text: put it in quotes$"):
        values.text(12345, "field")
