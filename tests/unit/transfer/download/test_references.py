from __future__ import annotations

import pytest

from airflow_provider_taskcluster.exceptions import InvalidInput
from airflow_provider_taskcluster.transfer.download.references import allowed_hosts


@pytest.mark.parametrize(
    ("given", "allowed"),
    [(True, True), (False, False), ([], ()), (["*.example.com", "h"], ("*.example.com", "h")), (("::1",), ("::1",))],
)
def test_all_or_none_or_some_hosts_are_allowed(given, allowed):
    assert allowed_hosts(given) == allowed


@pytest.mark.parametrize("given", ["*.example.com", "True", "", None, 1, ["https://h"], ["*"], [None], [""], b"h"])
def test_what_is_no_list_of_hosts_is_refused(given):
    with pytest.raises(InvalidInput, match="allow_reference"):
        allowed_hosts(given)
