"""Sensor that waits for objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_taskcluster.common import names
from airflow_provider_taskcluster.common.arguments import as_mapping, choice, is_single, name_list
from airflow_provider_taskcluster.common.checks import one_of
from airflow_provider_taskcluster.exceptions import HashMismatch, InvalidInput, NotVerifiable
from airflow_provider_taskcluster.links.taskcluster import TaskclusterObjectLink
from airflow_provider_taskcluster.sensors.base import REQUIRE, TaskclusterBaseSensor, count_and_names
from airflow_provider_taskcluster.waits.conditions.objects import ObjectWait
from airflow_provider_taskcluster.waits.results import MAX_IN_XCOM

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_provider_taskcluster.waits.protocol import Json
    from airflow_provider_taskcluster.waits.results import FinishedObject, FinishedObjects


class TaskclusterObjectSensor(TaskclusterBaseSensor):
    """Wait until objects exist, that is, until their uploads are finished. Scope ``object:download:<name>``.

    :param name: Name of the object, or a list of names (templated).
    :param require: ``all`` of them, or ``any`` one.
    :param expected_digest: ``sha256:<hex>`` of the object, or a dict of digests by name (templated; Airflow renders
        the values of a dict, not its keys). The sensor fails at once if an object has another digest: objects do not
        change. For an object in parts, pass the sha256 of its complete content.
    :return: name, project_id, expires and hashes of the object; for a list ``count`` and ``objects``, the first
        100 of them.
    """

    template_fields: Sequence[str] = ("name", "expected_digest", "taskcluster_conn_id")
    ui_color = "#ece3f7"
    operator_extra_links = (TaskclusterObjectLink(),)
    checks: ClassVar = {"require": one_of(REQUIRE)}
    needed = frozenset({"expected_digest"})  # if it rendered to nothing, no digest would be compared

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
        """Return the wait that the arguments describe."""
        object_names = [names.object_name(name) for name in name_list(self.name, "name")]
        for name, digest in self._expected_digests(object_names).items():
            if name not in object_names:
                raise InvalidInput(f"expected_digest has {name!r}, which is none of the names that are waited for")
            _split_digest(digest)
        return ObjectWait(names=object_names, require=choice(self.require, "require", REQUIRE))

    def confirm(self, result: Json) -> Json:
        """Compare the digests; for an object in parts, that of its complete content."""
        expected = self._expected_digests([info["name"] for info in result["objects"]])
        for info in result["objects"]:
            if digest := expected.get(info["name"]):
                self._compare(info, *_split_digest(digest))
        return result

    def summary(self, result: Json) -> str:
        """Return the names of the objects."""
        return count_and_names("object", [repr(info["name"]) for info in result["objects"]])

    def xcom_value(self, result: Json) -> FinishedObject | FinishedObjects:
        """Return the object for a single name, else the list."""
        objects: list[FinishedObject] = result["objects"]
        if is_single(self.name, self.wait().names):
            return objects[0]
        return {"count": len(objects), "objects": objects[:MAX_IN_XCOM]}

    def _expected_digests(self, object_names: list[str]) -> Mapping[str, str]:
        expected = self.expected_digest
        by_object = {} if expected in (None, "") else as_mapping(expected, "expected_digest")
        if by_object is not None:
            return by_object
        if len(object_names) != 1:
            raise InvalidInput("expected_digest is one for many objects: pass a dict with the digest of each name")
        return {object_names[0]: str(expected)}

    def _compare(self, info: Json, algorithm: str, expected: str) -> None:
        if info["hashes"].get(algorithm) == expected:
            return
        whole = self.hook.multipart_sha256(info["name"])
        actual = info["hashes"].get(algorithm) if whole is None else {"sha256": whole}.get(algorithm)
        if actual is None:
            raise NotVerifiable(
                f"Object {info['name']!r} is finished, and nobody knows its {algorithm}: expect its sha256 instead"
            )
        if actual != expected:
            raise HashMismatch(
                f"Object {info['name']!r} is finished with the {algorithm} {actual}, not {expected}: "
                f"somebody uploaded other content"
            )


def _split_digest(digest: Any) -> tuple[str, str]:
    algorithm, colon, value = str(digest).partition(":")
    if not colon or not algorithm or not value:
        raise InvalidInput(f"expected_digest is {digest!r}: write it as sha256:<hex>")
    return algorithm.lower(), value.lower()
