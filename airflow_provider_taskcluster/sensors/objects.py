"""The sensor that waits for objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_taskcluster.common import names
from airflow_provider_taskcluster.common.arguments import as_mapping, choice, name_list
from airflow_provider_taskcluster.common.checks import one_of
from airflow_provider_taskcluster.exceptions import HashMismatch, InvalidInput, NotVerifiable
from airflow_provider_taskcluster.links.taskcluster import TaskclusterObjectLink
from airflow_provider_taskcluster.sensors.base import LISTED, REQUIRE, TaskclusterBaseSensor, counted, is_one
from airflow_provider_taskcluster.waits.conditions.objects import ObjectWait

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_provider_taskcluster.waits.protocol import Json
    from airflow_provider_taskcluster.waits.results import FinishedObject, FinishedObjects


class TaskclusterObjectSensor(TaskclusterBaseSensor):
    """Wait until uploads of objects are finished. Scope ``object:download:<name>``.

    :param name: Name of the object, or a list of names (templated).
    :param require: ``all`` of them, or ``any`` one.
    :param expected_digest: ``sha256:<hex>`` that the object must have, or a dict of such by name (templated; Airflow
        renders the values of a dict, not its keys). Another one fails at once: objects do not change. For an object in
        parts it is that of the whole.
    :param taskcluster_conn_id: Id of the connection (templated).
    :param connect_timeout: Seconds to wait for a connection; None takes the connection's.
    :param read_timeout: Seconds of silence that end a request; None takes the connection's.
    :param max_retries: Most repeats of a worker's request that failed for the moment; None takes the connection's.
    :param deferrable: Wait in the triggerer. By default as ``[operators] default_deferrable`` says.
    :return: name, project_id, expires and hashes of the object; for a list ``count``, and the first 100 as ``objects``.
    """

    template_fields: Sequence[str] = ("name", "expected_digest", "taskcluster_conn_id")
    ui_color = "#ece3f7"
    operator_extra_links = (TaskclusterObjectLink(),)
    checks: ClassVar = {"require": one_of(REQUIRE)}
    needed = frozenset({"expected_digest"})  # without a word, nothing would be compared

    def __init__(
        self,
        *,
        name: str | Sequence[str],
        require: str = "all",
        expected_digest: str | Mapping[str, str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.name = name
        self.require = require
        self.expected_digest = expected_digest
        self.check_arguments()

    def wait(self) -> ObjectWait:
        """Return what is waited for, from the arguments."""
        wanted = [names.object_name(name) for name in name_list(self.name, "name")]
        for name, digest in self._digests(wanted).items():
            if name not in wanted:
                raise InvalidInput(f"expected_digest has {name!r}, which is none of the names that are waited for")
            _parts(digest)
        return ObjectWait(names=wanted, require=choice(self.require, "require", REQUIRE))

    def confirmed(self, found: Json) -> Json:
        """Compare digests, for an object in parts with that of the whole."""
        expected = self._digests([info["name"] for info in found["objects"]])
        for info in found["objects"]:
            if digest := expected.get(info["name"]):
                self._compare(info, *_parts(digest))
        return found

    def summary(self, found: Json) -> str:
        """Name the objects."""
        return counted("object", [repr(info["name"]) for info in found["objects"]])

    def result(self, found: Json) -> FinishedObject | FinishedObjects:
        """Return the object that was named, or all of them."""
        objects: list[FinishedObject] = found["objects"]
        if is_one(self.name, self.wait().names):
            return objects[0]
        return {"count": len(objects), "objects": objects[:LISTED]}

    def _digests(self, wanted: list[str]) -> Mapping[str, str]:
        expected = self.expected_digest
        named = {} if expected in (None, "") else as_mapping(expected, "expected_digest")
        if named is not None:
            return named
        if len(wanted) != 1:
            raise InvalidInput("expected_digest is one for many objects: pass a dict with the digest of each name")
        return {wanted[0]: str(expected)}

    def _compare(self, info: Json, algorithm: str, expected: str) -> None:
        if info["hashes"].get(algorithm) == expected:
            return
        whole = self.hook.multipart_sha256(info["name"])
        found = info["hashes"].get(algorithm) if whole is None else {"sha256": whole}.get(algorithm)
        if found is None:
            raise NotVerifiable(
                f"Object {info['name']!r} is finished, and nobody knows its {algorithm}: expect its sha256 instead"
            )
        if found != expected:
            raise HashMismatch(
                f"Object {info['name']!r} is finished with the {algorithm} {found}, not {expected}: "
                f"somebody uploaded other content"
            )


def _parts(digest: Any) -> tuple[str, str]:
    algorithm, colon, value = str(digest).partition(":")
    if not colon or not algorithm or not value:
        raise InvalidInput(f"expected_digest is {digest!r}: write it as sha256:<hex>")
    return algorithm.lower(), value.lower()
