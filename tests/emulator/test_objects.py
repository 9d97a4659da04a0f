"""The object service's quirks, one by one, through the upstream client."""

from __future__ import annotations

import threading

import pytest
import taskcluster
from emulator_clients import Clients, Upload, fresh, http, in_days, refused, sums

from airflow_provider_taskcluster.emulator import Emulator, Settings

ODD_NAMES = [
    *("a b", "50%", "50%25", "a?b=c&d", "a#b", "a+b", "a//b", "/leading", "trailing/", "%2F", "a%2Fb"),
    *("'quoted'", '"quoted"', "back\\slash", "~!@$^&*()=[]{}|;:,<>`", "public/a/b.txt", "x" * 800),
]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_names_with_special_characters_come_back_exactly(root, name):
    name = f"{name}{fresh(' ')}/" if name.endswith("/") else f"{fresh('/')} {name}"
    Upload(root, name).done(name.encode())
    assert root.object.object(name)["hashes"] == sums(name.encode())
    url = root.object.startDownload(name, {"acceptDownloadMethods": {"getUrl": True}})["url"]
    assert http("GET", url)[2] == name.encode()


def test_a_name_outside_printable_ascii_is_refused(root):
    for name in ("smörgås", "tab\there", "new\nline"):
        with refused(400, "InvalidRequestArguments"):
            Upload(root, name).create()


def test_an_unknown_upload_method_is_refused(root):
    with refused(400, "InputValidationError"):
        Upload(root).create(s3Multipart={"size": 1})


def test_the_same_identity_is_idempotent_and_renews_the_put_url(root):
    upload = Upload(root)
    first = upload.put_url(5)
    assert http("PUT", first["url"], b"hello", first["headers"])[0] == 200
    with root.tc.clock.advanced(minutes=46):
        assert http("PUT", first["url"], b"hello", first["headers"])[0] == 403
        second = upload.put_url(5)
        assert http("PUT", second["url"], b"hello", second["headers"])[0] == 200


@pytest.mark.parametrize(
    "change",
    [{"projectId": "other"}, {"uploadId": taskcluster.slugId()}, {"expires": in_days(2)}],
    ids=lambda change: next(iter(change)),
)
def test_another_identity_is_a_conflict(root, change):
    upload = Upload(root)
    upload.create()
    with refused(409, "RequestConflict"):
        Upload(root, upload.name, **{**upload.identity, **change}).create()


def test_expires_is_compared_by_milliseconds(root):
    upload = Upload(root, expires="2031-05-05T12:00:00.123Z")
    upload.create()
    same = ["2031-05-05T12:00:00.123456Z", "2031-05-05T14:00:00.123+02:00", "2031-05-05T12:00:00.123+00:00"]
    for spelling in same:
        upload.identity["expires"] = spelling
        assert upload.create()["expires"] == spelling
    upload.identity["expires"] = "2031-05-05T12:00:00.124Z"
    with refused(409, "RequestConflict"):
        upload.create()


def test_after_finish_upload_any_create_upload_is_a_conflict(root):
    upload = Upload(root).done()
    with refused(409, "RequestConflict"):
        upload.create()


def test_an_unfinished_upload_holds_its_name_for_a_day(root):
    name = fresh("held")
    Upload(root, name).create()
    with root.tc.clock.advanced(hours=23), refused(409, "RequestConflict"):
        Upload(root, name).create()
    with root.tc.clock.advanced(hours=25):
        Upload(root, name).create()


def test_of_two_racing_uploads_of_one_name_one_wins(root):
    name, outcomes = fresh("raced"), []

    def attempt():
        try:
            Upload(root, name).create()
            outcomes.append(200)
        except taskcluster.exceptions.TaskclusterRestFailure as error:
            outcomes.append(error.status_code)

    threads = [threading.Thread(target=attempt) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == [200] + [409] * 7


def test_an_upload_id_is_unique_over_all_unfinished_uploads(root):
    upload = Upload(root)
    upload.create()
    with refused(409, "RequestConflict"):
        Upload(root, uploadId=upload.identity["uploadId"]).create()
    upload.finish()
    Upload(root, uploadId=upload.identity["uploadId"]).create()


def test_an_upload_id_must_look_like_a_slugid(root):
    with refused(400, "InputValidationError"):
        Upload(root, uploadId="not-a-slugid").create()


def test_hashes_given_at_create_upload_are_held(root):
    upload = Upload(root)
    upload.identity["hashes"] = sums(b"hello")
    upload.create()
    upload.identity["hashes"] = {"sha256": sums(b"other")["sha256"]}
    with refused(409, "RequestConflict"):
        upload.create()
    with refused(409, "RequestConflict"):
        upload.finish(sums(b"other"))
    upload.finish()
    assert root.object.object(upload.name)["hashes"] == sums(b"hello")


def test_a_put_url_still_accepts_a_put_after_finish_upload(root):
    upload = Upload(root)
    grant = upload.put_url(5)
    http("PUT", grant["url"], b"hello", grant["headers"])
    upload.finish(sums(b"hello"))
    assert http("PUT", grant["url"], b"WORLD", grant["headers"])[0] == 200
    download = upload.get_url()
    assert http("GET", download["url"])[2] == b"WORLD"
    assert download["hashes"] == sums(b"hello")
    with root.tc.clock.advanced(minutes=46):
        assert http("PUT", grant["url"], b"again", grant["headers"])[0] == 403


def test_a_put_url_wants_exactly_its_headers(root):
    grant = Upload(root).put_url(5)
    assert grant["headers"] == {
        "Content-Type": "text/plain",
        "Content-Length": "5",
        "Content-Encoding": "identity",
    }
    for changed in ({"Content-Type": "text/html"}, {"Content-Encoding": "gzip"}):
        assert http("PUT", grant["url"], b"hello", {**grant["headers"], **changed})[0] == 403
    assert http("PUT", grant["url"], b"longer", {**grant["headers"], "Content-Length": "6"})[0] == 403


def test_html_comes_with_a_content_disposition(root):
    upload = Upload(root)
    grant = upload.put_url(5, "text/html; charset=utf-8")
    assert grant["headers"]["Content-Disposition"] == "attachment"
    assert http("PUT", grant["url"], b"hello", grant["headers"])[0] == 200
    upload.finish()
    assert http("GET", upload.get_url()["url"])[1]["Content-Disposition"] == "attachment"


def test_a_past_expires_is_accepted_and_the_object_is_born_dead(root):
    upload = Upload(root, expires=in_days(-1))
    upload.done()
    with refused(404, "ResourceNotFound"):
        root.object.object(upload.name)


@pytest.mark.parametrize("content_type", ["", "nonsense", "text/", "text/plain; charset"])
def test_an_invalid_content_type_is_an_internal_error(root, content_type):
    with refused(500, "InternalServerError"):
        Upload(root).put_url(5, content_type)
    with refused(500, "InternalServerError"):
        Upload(root).inline(content_type=content_type)


def test_invalid_base64_is_accepted_silently(root):
    upload = Upload(root)
    answer = upload.create(dataInline={"contentType": "text/plain", "objectData": "aGVs*bG8 !"})
    assert answer["uploadMethod"] == {"dataInline": True}
    upload.finish()
    assert http("GET", upload.get_url()["url"])[2] == b"hello"


def test_inline_data_is_at_most_10926_characters(root):
    def inline(length):
        Upload(root).create(dataInline={"contentType": "text/plain", "objectData": "A" * length})

    inline(10926)
    with refused(400, "InputValidationError"):
        inline(10927)


def test_no_method_may_be_chosen(root):
    assert Upload(root).create()["uploadMethod"] == {}


def test_finish_upload_repeats_with_the_same_fewer_or_no_hashes_whatever_the_upload_id(root):
    upload = Upload(root).done()
    for hashes in (sums(b"hello"), {"sha256": sums(b"hello")["sha256"]}, {}, None):
        assert upload.finish(hashes, uploadId=taskcluster.slugId()) == {}


def test_finish_upload_with_other_or_extra_hashes_is_a_conflict(root):
    upload = Upload(root).done()
    with refused(409, "RequestConflict"):
        upload.finish(sums(b"other"))
    with refused(409, "RequestConflict"):
        upload.finish({**sums(b"hello"), "blake3": "0"})


def test_finish_upload_with_another_project_is_an_input_error(root):
    upload = Upload(root)
    upload.create()
    with refused(400, "InputError"):
        upload.finish(projectId="other")


def test_finish_upload_with_another_upload_id_is_a_conflict(root):
    upload = Upload(root)
    upload.create()
    with refused(409, "RequestConflict"):
        upload.finish(uploadId=taskcluster.slugId())


def test_finish_upload_of_an_unknown_name_is_not_found(root):
    with refused(404, "ResourceNotFound"):
        Upload(root).finish()


def test_finishing_without_data_succeeds(root):
    upload = Upload(root)
    upload.create()
    upload.finish()
    status, _, body = http("GET", upload.get_url()["url"])
    assert (status, b"NoSuchKey" in body) == (404, True)


def test_until_finished_metadata_and_start_download_are_not_found(root):
    upload = Upload(root)
    upload.inline()
    for call in (lambda: root.object.object(upload.name), upload.get_url):
        with refused(404, "ResourceNotFound"):
            call()


def test_the_server_prefers_get_url_and_knows_simple(root):
    upload = Upload(root).done()
    both = {"acceptDownloadMethods": {"simple": True, "getUrl": True}}
    assert root.object.startDownload(upload.name, both)["method"] == "getUrl"
    simple = upload.get_url(method="simple")
    assert set(simple) == {"method", "url"}
    assert http("GET", simple["url"])[2] == b"hello"


def test_no_acceptable_download_method_is_a_406(root):
    upload = Upload(root).done()
    with refused(406, "NoMatchingMethod"):
        root.object.startDownload(upload.name, {"acceptDownloadMethods": {}})


def test_what_a_server_offers_can_be_set():
    settings = Settings(upload_methods=("dataInline",), download_methods=("simple",))
    with Emulator(settings=settings) as tc:
        root = Clients(tc, {"clientId": tc.client_id, "accessToken": tc.access_token})
        unlucky = Upload(root)
        proposed = {"putUrl": {"contentType": "text/plain", "contentLength": 1}}
        assert unlucky.create(**proposed)["uploadMethod"] == {}
        upload = Upload(root).done()
        with refused(406, "NoMatchingMethod"):
            upload.get_url()
        assert http("GET", upload.get_url(method="simple")["url"])[2] == b"hello"


def test_a_get_url_expires_after_60_seconds_and_its_signature_dies_after_120(root):
    upload = Upload(root).done()
    url = upload.get_url()["url"]
    with root.tc.clock.advanced(seconds=100):
        assert http("GET", url)[0] == 200
    with root.tc.clock.advanced(seconds=121):
        assert http("GET", url)[0] == 403


def test_download_redirects_to_the_content(root):
    upload = Upload(root).done()
    status, headers, _ = http("GET", root.object.buildSignedUrl("download", upload.name))
    assert status == 303
    assert http("GET", headers["Location"])[2] == b"hello"


def test_each_call_needs_its_scope(root, holding):
    upload = Upload(root).done()
    nobody = holding("object:upload:tests:elsewhere", "object:download:elsewhere")
    for call in (
        lambda: Upload(nobody, upload.name, **upload.identity).create(),
        lambda: Upload(nobody, upload.name, **upload.identity).finish(),
        lambda: nobody.object.object(upload.name),
        lambda: nobody.object.download(upload.name),
        lambda: nobody.object.startDownload(upload.name, {"acceptDownloadMethods": {"getUrl": True}}),
    ):
        with refused(403, "InsufficientScopes") as info:
            call()
        assert f":{upload.name}" in str(info.value)
