"""Objects through the hook: every call, and uploads and downloads in all their forms."""

from __future__ import annotations

import hashlib
import io
import os
import urllib.request
from datetime import UTC, datetime, timedelta, timezone

import pytest

from airflow_provider_taskcluster.emulator import Emulator, Settings
from airflow_provider_taskcluster.exceptions import (
    Conflict,
    HashMismatch,
    InsufficientScopes,
    InvalidInput,
    InvalidName,
    NoMatchingMethod,
    NotFound,
    NotVerifiable,
    SourceChanged,
    TooLarge,
    TransferError,
)
from airflow_provider_taskcluster.hooks.sync_services import EngineServices
from airflow_provider_taskcluster.transfer.sink.base import MemorySink
from airflow_provider_taskcluster.transfer.upload.upload_id import random_upload_id

LARGE = os.urandom(3_000_000)
SIZES = {"empty": b"", "small": b"x" * 8192, "just over": b"x" * 8193, "large": LARGE}
ODD_NAMES = [
    "with space",
    "per%cent",
    "question?mark",
    "hash#tag",
    "plus+sign",
    "double//slash",
    "/leading",
    "trailing/",
    "quo\"te's",
    "back\\slash",
    "~tilde[brackets]{braces}|pipe^caret`tick<>;:@&=$,!*()",
    "percent-encoded%2Fslash",
]


@pytest.mark.parametrize("size", SIZES)
def test_what_goes_up_comes_down_equal(hook, name, expires, size):
    data = SIZES[size]
    up = hook.upload_object(data, name, expires=expires)
    assert up.method == ("dataInline" if 0 < len(data) <= 8192 else "putUrl")
    assert up.size == len(data)
    assert up.digests == {a: hashlib.new(a, data).hexdigest() for a in ("sha256", "sha512")}
    assert hook.read_object(name) == data


@pytest.mark.parametrize("odd", ODD_NAMES)
def test_odd_names_come_back_exactly(hook, name, expires, odd):
    name = (odd.startswith("/") and f"/{name}{odd}") or f"{name}{odd}"
    data = name.encode() + b"." * 9000
    hook.upload_object(data, name, expires=expires)
    assert hook.read_object(name) == data
    assert hook.object_metadata(name)["projectId"] == "tests"


def test_a_path_goes_up_and_comes_down_as_a_path(hook, name, expires, tmp_path):
    source = tmp_path / "source.bin"
    source.write_bytes(LARGE)
    hook.upload_object(source, name, expires=expires)
    down = hook.download_object(name, tmp_path / "new" / "folder" / "copy.bin")
    assert (tmp_path / "new" / "folder" / "copy.bin").read_bytes() == LARGE
    assert (down.method, down.verified, down.attempts) == ("getUrl", "sha256+sha512", 1)
    assert down.destination == str(tmp_path / "new" / "folder" / "copy.bin")
    assert len(list((tmp_path / "new" / "folder").iterdir())) == 1


def test_an_open_file_is_read_and_written_from_where_it_stands(hook, name, expires, tmp_path):
    source = io.BytesIO(b"skipped" + LARGE)
    source.seek(7)
    hook.upload_object(source, name, expires=expires)
    with (tmp_path / "copy").open("w+b") as copy:
        copy.write(b"header")
        hook.download_object(name, copy)
        assert not copy.closed
    assert (tmp_path / "copy").read_bytes() == b"header" + LARGE


def test_factories_of_readers_and_writers(hook, name, expires):
    written = io.BytesIO()
    written.close_for_real, written.close = written.close, lambda: None
    hook.upload_object(lambda: io.BytesIO(LARGE), name, expires=expires)
    hook.download_object(name, lambda: written)
    assert written.getvalue() == LARGE


def test_the_content_type_is_guessed_given_or_refused(hook, name, expires):
    def served(url):
        with urllib.request.urlopen(url) as answer:
            return answer.headers["Content-Type"]

    for given, expected in ((None, "application/gzip"), ("text/x-test", "text/x-test")):
        other = f"{name}.{given and 'x'}.tar.gz"
        assert hook.upload_object(LARGE, other, expires=expires, content_type=given).content_type == expected
        assert served(hook.object_url(other, expires_in=timedelta(minutes=1))) == expected
    with pytest.raises(InvalidInput, match="is not a content type"):
        hook.upload_object(b"", name, expires=expires, content_type="text")


def test_every_call_of_the_service_by_hand(hook, name, expires):
    upload_id = random_upload_id()
    data = b"by hand" * 2000
    grant = hook.create_upload(
        name,
        upload_id=upload_id,
        expires=expires,
        proposed_upload_methods={"putUrl": {"contentType": "text/plain", "contentLength": len(data)}},
    )["uploadMethod"]["putUrl"]
    request = urllib.request.Request(grant["url"], data=data, headers=grant["headers"], method="PUT")
    urllib.request.urlopen(request).close()
    with pytest.raises(NotFound):
        hook.object_metadata(name)
    hashes = {"sha256": hashlib.sha256(data).hexdigest()}
    hook.finish_upload(name, upload_id=upload_id, hashes=hashes)
    assert hook.object_metadata(name)["hashes"] == hashes
    assert hook.start_download(name)["method"] == "getUrl"
    assert hook.start_download(name, {"simple": True})["method"] == "simple"
    assert hook.ping()["alive"]


def test_object_url_is_plain_or_signed(hook, connect, name, expires, tc):
    hook.upload_object(LARGE, name, expires=expires)
    plain = hook.object_url(name)
    assert "?" not in plain
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(plain)
    signed = hook.object_url(name, expires_in=timedelta(minutes=5))
    with urllib.request.urlopen(signed) as answer:
        assert answer.read() == LARGE
    with tc.clock.advanced(minutes=6), pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(signed)
    with pytest.raises(InvalidInput, match="needs credentials"):
        connect(login=None, password=None).object_url(name, expires_in=timedelta(minutes=5))


@pytest.mark.parametrize("life", [timedelta(0), timedelta(seconds=-1), timedelta(milliseconds=999), 300], ids=repr)
def test_a_url_is_signed_for_a_second_at_least(hook, name, life):
    with pytest.raises(InvalidInput, match="pass a timedelta of a second or more"):
        hook.object_url(name, expires_in=life)


@pytest.mark.parametrize("limit", ["much", -1, 1.5, b"1", []], ids=repr)
def test_a_limit_that_is_no_number_is_refused_before_anything_is_sent(hook, name, tmp_path, tc, limit):
    task = "fN1SbArXTPSVFNUvaOlinQ"
    for call in (
        lambda: hook.read_object(name, max_bytes=limit),
        lambda: hook.download_object(name, tmp_path / "a", max_bytes=limit),
        lambda: hook.read_artifact(task, "public/a", max_bytes=limit),
        lambda: hook.download_artifact(task, "public/a", tmp_path / "a", max_bytes=limit),
    ):
        with pytest.raises(InvalidInput, match=r"max_bytes is .*: pass a whole number"):
            call()
    assert not list(tc.journal)


def test_a_limit_may_be_text(hook, name, expires):
    hook.upload_object(b"1234", name, expires=expires)
    assert hook.read_object(name, max_bytes="4") == b"1234"
    with pytest.raises(TooLarge):
        hook.read_object(name, max_bytes="3")


def test_a_project_or_an_expiry_of_another_kind_is_refused(hook, name, expires):
    with pytest.raises(InvalidInput, match="5 is not a project ID"):
        hook.upload_object(b"", name, expires=expires, project_id=5)
    with pytest.raises(InvalidInput, match="beyond the calendar"):
        hook.upload_object(b"", name, expires=datetime.max.replace(tzinfo=timezone(timedelta(hours=-5))))


def test_a_repeated_upload_finds_its_work_done(hook, connect, name, expires):
    """The next try of a task computes the same upload id, on another worker too."""
    hook.upload_object(LARGE, name, expires=expires)
    again = connect("tc_other_worker").upload_object(LARGE, name, expires=expires)
    assert again.method == "already there"


def test_a_retry_takes_up_an_upload_that_was_not_finished(hook, connect, name, expires, monkeypatch):
    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(EngineServices, "finish_upload", killed)
        with pytest.raises(KeyboardInterrupt):
            hook.upload_object(LARGE, name, expires=expires)
    with pytest.raises(NotFound):
        hook.object_metadata(name)
    assert connect("tc_other_worker").upload_object(LARGE, name, expires=expires).method == "putUrl"
    assert hook.read_object(name) == LARGE


def test_other_content_under_the_same_name_is_a_conflict_and_never_a_put(hook, name, expires, tc):
    hook.upload_object(LARGE, name, expires=expires)
    tc.journal.clear()
    with pytest.raises(Conflict, match="exists with other content \\(sha256 "):
        hook.upload_object(LARGE[::-1], name, expires=expires)
    assert not tc.journal.entries(origin="store")
    assert hook.read_object(name) == LARGE


def test_temporary_credentials_have_no_key_so_the_upload_id_is_random(hook, connect, name, expires, caplog):
    own = hook.temporary_credentials(["object:*"], datetime.now(UTC) + timedelta(hours=1))
    fields = {"login": own.client_id, "password": own.access_token}
    temporary = connect("tc_temporary", **fields, extra={"certificate": own.certificate})
    temporary.upload_object(LARGE, name, expires=expires)
    assert "the upload id of" in caplog.text
    caplog.clear()
    keyed = connect("tc_keyed", **fields, extra={"certificate": own.certificate, "upload_secret": "a stable key"})
    keyed.upload_object(LARGE, f"{name}-2", expires=expires)
    assert "the upload id of" not in caplog.text


@pytest.mark.parametrize("size", ["small", "large"])
def test_a_source_that_changes_between_hash_and_send_is_not_finished(hook, name, expires, size):
    content = SIZES[size]
    versions = iter([content, content[:-1] + bytes([content[-1] ^ 1])])
    next_step = "run the task again" if size == "small" else "it holds its name for up to a day"
    with pytest.raises(SourceChanged, match=rf"changed while it was uploaded .*: {next_step}"):
        hook.upload_object(lambda: io.BytesIO(next(versions)), name, expires=expires)
    with pytest.raises(NotFound):
        hook.object_metadata(name)
    if size == "small":  # a small one had to be sent with the first call
        assert hook.upload_object(content[:-1], name, expires=expires).attempts == 1
    else:
        with pytest.raises(Conflict, match="An unfinished upload of other content"):
            hook.upload_object(content[:-1], name, expires=expires)


@pytest.mark.parametrize("change", [b"", b"more"], ids=["shorter", "longer"])
def test_a_source_of_another_length_is_not_finished(hook, name, expires, change):
    changed = LARGE + change if change else LARGE[:-1]
    versions = iter([LARGE, changed])
    with pytest.raises(SourceChanged):
        hook.upload_object(lambda: io.BytesIO(next(versions)), name, expires=expires)
    with pytest.raises(NotFound):
        hook.object_metadata(name)


def test_an_unfinished_object_ends_in_one_clear_sentence(hook, name, expires):
    hook.create_upload(name, upload_id=random_upload_id(), expires=expires)
    with pytest.raises(
        NotFound, match=f"'{name}' over connection 'tc_test' at http.* failed \\(404 ResourceNotFound\\)"
    ):
        hook.read_object(name)


def test_more_than_allowed_is_refused_before_it_fills_memory_or_disk(hook, name, expires, tmp_path):
    hook.upload_object(LARGE, name, expires=expires)
    with pytest.raises(TooLarge, match="raise max_bytes"):
        hook.read_object(name, max_bytes=len(LARGE) - 1)
    with pytest.raises(TooLarge, match="raise max_bytes"):
        hook.download_object(name, tmp_path / "copy", max_bytes=1000)
    assert not list(tmp_path.iterdir())
    assert hook.read_object(name, max_bytes=None) == LARGE


def test_an_object_without_an_acceptable_hash_is_refused_unless_allowed(hook, name, expires):
    upload_id = random_upload_id()
    inline = {"dataInline": {"contentType": "text/plain", "objectData": "aGVsbG8="}}
    hook.create_upload(name, upload_id=upload_id, expires=expires, proposed_upload_methods=inline)
    hook.finish_upload(name, upload_id=upload_id, hashes={"md5": hashlib.md5(b"hello").hexdigest()})
    with pytest.raises(NotVerifiable, match="no sha256 or sha512"):
        hook.read_object(name)
    assert hook.download_object(name, MemorySink(), require_hashes=False).verified == "md5"


def test_bytes_that_do_not_match_their_hash_get_no_name(hook, name, expires, tmp_path):
    upload_id = random_upload_id()
    inline = {"dataInline": {"contentType": "text/plain", "objectData": "aGVsbG8="}}
    hook.create_upload(name, upload_id=upload_id, expires=expires, proposed_upload_methods=inline)
    hook.finish_upload(name, upload_id=upload_id, hashes={"sha256": "0" * 64})
    with pytest.raises(HashMismatch, match="not those that were uploaded"):
        hook.download_object(name, tmp_path / "copy")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("bad", ["", "a/../b", "..", "./a", "ünï", "tab\t", "x" * 1025])
def test_names_that_cannot_work_are_refused_before_anything_is_sent(hook, expires, bad, tc):
    for call in (
        lambda: hook.upload_object(b"", bad, expires=expires),
        lambda: hook.read_object(bad),
        lambda: hook.object_metadata(bad),
        lambda: hook.object_url(bad),
    ):
        with pytest.raises(InvalidName):
            call()
    assert not list(tc.journal)


def test_a_missing_file_and_a_past_expiry_are_refused_before_anything_is_sent(hook, name, expires, tmp_path, tc):
    with pytest.raises(InvalidInput, match="There is no file"):
        hook.upload_object(tmp_path / "missing", name, expires=expires)
    with pytest.raises(InvalidInput, match="which is past"):
        hook.upload_object(b"", name, expires=datetime.now(UTC) - timedelta(seconds=1))
    with pytest.raises(InvalidInput, match="time zone"):
        hook.upload_object(b"", name, expires=datetime(2040, 1, 1))  # noqa: DTZ001 (the point of the test)
    assert not list(tc.journal)


def test_a_missing_scope_is_named(holding, name, expires):
    with pytest.raises(InsufficientScopes, match=f"grant client 'tests/.*' the scope object:upload:tests:{name}"):
        holding("object:download:*").upload_object(b"", name, expires=expires)


def test_upload_needs_no_download_scope(holding, name, expires):
    limited = holding(f"object:upload:tests:{name}")
    limited.upload_object(LARGE, name, expires=expires)
    assert limited.upload_object(LARGE, name, expires=expires).method == "already there"


def test_an_upload_needs_a_project(connect, name, expires):
    with pytest.raises(InvalidInput, match="needs a project ID"):
        connect(extra={"project_id": None}).upload_object(b"", name, expires=expires)


class TestOtherOffers:
    """Deployments that offer other methods than the usual ones."""

    @pytest.fixture
    def offering(self, connect):
        def make(**settings):
            emulator = Emulator(settings=Settings(**settings))
            emulators.append(emulator.__enter__())
            return connect("tc_offer", host=emulator.root_url, login=emulator.client_id, password=emulator.access_token)

        emulators = []
        yield make
        for emulator in emulators:
            emulator.__exit__(None, None, None)

    def test_a_simple_download_is_verified_by_the_metadata(self, offering, name, expires):
        hook = offering(download_methods=("simple",))
        hook.upload_object(LARGE, name, expires=expires)
        result = hook.download_object(name, MemorySink())
        assert (result.method, result.verified, result.content) == ("simple", "sha256+sha512", LARGE)

    def test_a_small_upload_goes_by_put_where_inline_is_not_offered(self, offering, name, expires):
        hook = offering(upload_methods=("putUrl",))
        assert hook.upload_object(b"small", name, expires=expires).method == "putUrl"
        assert hook.read_object(name) == b"small"

    def test_no_upload_method_in_common_is_a_clear_error(self, offering, name, expires):
        with pytest.raises(TransferError, match="accepts none of the upload methods"):
            offering(upload_methods=()).upload_object(LARGE, name, expires=expires)

    def test_no_download_method_in_common_is_a_clear_error(self, offering, name, expires):
        hook = offering(download_methods=())
        hook.upload_object(LARGE, name, expires=expires)
        with pytest.raises(NoMatchingMethod):
            hook.read_object(name)
