"""Operations on worker caches, credentials and the connection, for the table of scopes."""

from __future__ import annotations

import asyncio
import shutil
from secrets import token_hex

from scopes_table import line

from airflow_provider_taskcluster.common.timestamps import iso_timestamp
from airflow_provider_taskcluster.exceptions import AuthenticationFailed
from airflow_provider_taskcluster.notifications.taskcluster import TaskclusterNotifier
from airflow_provider_taskcluster.operators.purge_cache import TaskclusterPurgeCacheOperator
from airflow_provider_taskcluster.secrets.taskcluster import TaskclusterSecretsBackend


def notified(w, notifier, **addresses):
    """Notify as in the triggerer, where errors are raised."""
    made = notifier(text=token_hex(8), taskcluster_conn_id=w.hook.taskcluster_conn_id, **addresses)
    asyncio.run(made.async_notify({}))


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


@line("`secret`")
def secret(w):
    w.admin.call("secrets", "set", w.blanks["name"], payload={"secret": {}, "expires": iso_timestamp(w.expires)})
    return lambda: w.hook.secret(w.blanks["name"])


@line("`secret`")
def secrets_backend(w):
    w.admin.call(
        "secrets", "set", w.blanks["name"], payload={"secret": {"value": 1}, "expires": iso_timestamp(w.expires)}
    )
    prefix, _, key = w.blanks["name"].rpartition("/")

    def use():
        settings = w.hook.settings
        login = {"client_id": settings.credentials.client_id, "access_token": settings.credentials.access_token}
        backend = TaskclusterSecretsBackend(config_prefix=prefix, root_url=settings.root_url, **login)
        try:
            assert backend.get_config(key) == "1"
        finally:
            backend._secrets().close()

    return use


@line("`notify_email`")
def notify_email(w):
    return lambda: w.hook.notify_email(w.blanks["address"], "s", token_hex(8))


@line("`notify_email`")
def notifier_email(w):
    return lambda: notified(w, email=w.blanks["address"], notifier=TaskclusterNotifier)


@line("`notify_matrix`")
def notify_matrix(w):
    return lambda: w.hook.notify_matrix(w.blanks["roomId"], token_hex(8))


@line("`notify_matrix`")
def notifier_matrix(w):
    return lambda: notified(w, matrix=w.blanks["roomId"], notifier=TaskclusterNotifier)


@line("`notify_slack`")
def notify_slack(w):
    return lambda: w.hook.notify_slack(w.blanks["channelId"], token_hex(8))


@line("`notify_slack`")
def notifier_slack(w):
    return lambda: notified(w, slack=w.blanks["channelId"], notifier=TaskclusterNotifier)


@line("`notify_pulse`")
def notify_pulse(w):
    return lambda: w.hook.notify_pulse(w.blanks["routingKey"], {"a": token_hex(8)})


@line("`notify_pulse`")
def notifier_pulse(w):
    return lambda: notified(w, pulse=w.blanks["routingKey"], notifier=TaskclusterNotifier)


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
