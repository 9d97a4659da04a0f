"""Upstream clients for tests, and assertions about refusals."""

from __future__ import annotations

import base64
import hashlib
import itertools
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
import taskcluster
import taskcluster.aio

_numbers = itertools.count(1)


def fresh(prefix="thing"):
    return f"{prefix}-{next(_numbers):06}"  # in the order of their numbers, as text too


def in_days(days, text="%Y-%m-%dT%H:%M:%S.%f"):
    moment = datetime.now(UTC) + timedelta(days=days)
    return moment.strftime(text)[:-3] + "Z"


def sums(data):
    return {name: hashlib.new(name, data).hexdigest() for name in ("sha256", "sha512")}


class Clients:
    """The upstream clients of one caller; without credentials, the anonymous one."""

    def __init__(self, tc, credentials=None, **options):
        self.tc = tc
        self.credentials = credentials
        self._options = options

    def options(self):
        credentials = {"credentials": dict(self.credentials)} if self.credentials else {}
        return {"rootUrl": self.tc.root_url, "maxRetries": 0, **credentials, **self._options}

    @property
    def object(self):
        return taskcluster.Object(self.options())

    @property
    def queue(self):
        return taskcluster.Queue(self.options())

    @property
    def index(self):
        return taskcluster.Index(self.options())

    @property
    def purge_cache(self):
        return taskcluster.PurgeCache(self.options())

    @property
    def secrets(self):
        return taskcluster.Secrets(self.options())

    @property
    def notify(self):
        return taskcluster.Notify(self.options())

    @property
    def hooks(self):
        return taskcluster.Hooks(self.options())

    @property
    def auth(self):
        return taskcluster.Auth(self.options())


@contextmanager
def refused(status, code=None):
    with pytest.raises((taskcluster.exceptions.TaskclusterRestFailure, taskcluster.TaskclusterAuthFailure)) as info:
        yield info
    assert (info.value.status_code, info.value.body.get("code")) == (status, code)


def pages(ask, size=2):
    """Return all pages of a list; ``ask`` takes a query."""
    query = {"limit": str(size)}
    while True:
        page = ask(query)
        yield page
        if "continuationToken" not in page:
            return
        query["continuationToken"] = page["continuationToken"]


class Upload:
    """One upload, step by step."""

    def __init__(self, clients, name=None, **identity):
        self.clients = clients
        self.name = name or fresh("object")
        self.identity = {
            "projectId": "tests",
            "uploadId": taskcluster.slugId(),
            "expires": in_days(1),
            **identity,
        }

    def create(self, **methods):
        return self.clients.object.createUpload(self.name, {**self.identity, "proposedUploadMethods": methods})

    def inline(self, data=b"hello", content_type="text/plain"):
        text = base64.b64encode(data).decode()
        return self.create(dataInline={"contentType": content_type, "objectData": text})

    def put_url(self, length, content_type="text/plain"):
        answer = self.create(putUrl={"contentType": content_type, "contentLength": length})
        return answer["uploadMethod"]["putUrl"]

    def finish(self, hashes=None, **changed):
        identity = {"projectId": self.identity["projectId"], "uploadId": self.identity["uploadId"], **changed}
        extra = {} if hashes is None else {"hashes": hashes}
        return self.clients.object.finishUpload(self.name, {**identity, **extra})

    def done(self, data=b"hello"):
        self.inline(data)
        self.finish(sums(data))
        return self

    def get_url(self, *, method="getUrl"):
        return self.clients.object.startDownload(self.name, {"acceptDownloadMethods": {method: True}})


def url_of_upload(clients, data):
    """Upload bytes by a PUT; return the signed URL that they are behind."""
    upload = Upload(clients)
    grant = upload.put_url(len(data))
    http("PUT", grant["url"], data, grant["headers"])
    upload.finish()
    return upload.get_url()["url"]


def http(method, url, body=None, headers=None):
    """Send one request without following redirects; return (status, headers, body)."""
    request = urllib.request.Request(url, data=body, headers=headers or {}, method=method)
    try:
        with _opener.open(request, timeout=10) as response:
            return response.status, response.headers, response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read()


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


_opener = urllib.request.build_opener(_NoRedirects)


def eventually(ask, seconds=5):
    """Call a function until its result is not empty, and return it; for effects of another thread."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if answer := ask():
            return answer
        time.sleep(0.01)
    raise AssertionError("it did not come to pass")
