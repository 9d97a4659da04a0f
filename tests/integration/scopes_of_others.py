"""Operations on worker caches, credentials and the connection, for the table of scopes."""

from __future__ import annotations

import shutil

from scopes_table import line

from airflow_provider_taskcluster.exceptions import AuthenticationFailed
from airflow_provider_taskcluster.operators.purge_cache import TaskclusterPurgeCacheOperator


@line("`TaskclusterPurgeCacheOperator`")
def purge_operator(w):
    return lambda: w.execute(TaskclusterPurgeCacheOperator, worker_pool_id="tests/scopes", cache_names="checkouts")


@line("`TaskclusterPurgeCacheOperator`")
def purge_cache(w):
    return lambda: w.hook.purge_cache("tests/scopes", "checkouts")


@line("`purge_requests`")
def purge_requests(w):
    return lambda: w.hook.purge_requests("tests/scopes")


@line("`all_purge_requests`")
def all_purge_requests(w):
    return lambda: w.hook.all_purge_requests(limit=None)


@line("credentials with a `name`")
def named_credentials(w):
    def use():
        issued = w.hook.temporary_credentials([], w.expires, name=w.blanks["clientId"])
        extra = {"certificate": issued.certificate}
        handed = w.connect("tc_handed", login=issued.client_id, password=issued.access_token, extra=extra)
        good, message = handed.test_connection()
        if not good:
            raise AuthenticationFailed(message)

    return use


@line("`ping`")
def extract_archive(w):
    folder = w.folder()
    archive = shutil.make_archive(f"{folder}-archive", "zip", folder)
    return lambda: w.hook.extract_archive(archive, f"{folder}-extracted")


@line("`ping`")
def ping(w):
    return lambda: w.hook.ping("queue")


@line("`ping`")
def connection_test(w):
    def check():
        assert w.hook.test_connection()[0]

    return check
