"""Table of the cases: the contenders that are compared, and the bar that each case must reach."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from . import cold, logs, payloads, transfers, waits, world
from .programs import is_missing
from .sources import MIB

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from .workspace import Measure, Workspace

# Bytes a second on each connection, where a case limits them.
CAP = 64 * MIB


@dataclass(frozen=True)
class Bar:
    """The target of a case: least ratios of others' figures to ours, or a largest figure of ours.

    :param ratio: Over the first peer, or over the limit.
    :param fastest: Over the fastest peer of any language.
    """

    ratio: float | None = None
    fastest: float | None = None
    ours: float | None = None

    def reached(self, ours: float, ratio: float | None, fastest: float | None = None) -> bool:
        """Whether the figures reach the bar."""
        if self.ours is not None:
            return ours <= self.ours
        wanted = [(self.ratio, ratio), (self.fastest, fastest)]
        return all(least is None or (have is not None and have >= least) for least, have in wanted)

    def __str__(self) -> str:
        if self.ours is not None:
            return f"ours <= {self.ours:g}"
        return f"ratio >= {self.ratio}" + (f", fastest >= {self.fastest}" if self.fastest else "")


@dataclass(frozen=True)
class Case:
    """A case: our contender beside its peers, or below limits.

    :param peers: Contenders that do the same work.
    :param limits: Contenders that do a part of it, which no client does faster; the slowest of them is the limit.
    """

    key: str
    bar: Bar
    setup: Callable[[Workspace], AbstractContextManager[Measure]]
    ours: str
    peers: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    unit: str = "s"
    on_tmpfs: bool = False

    @property
    def contenders(self) -> tuple[str, ...]:
        """All contenders of the case that can run here."""
        return tuple(name for name in (self.ours, *self.peers, *self.limits) if not is_missing(name))

    @property
    def missing(self) -> tuple[str, ...]:
        """Peers that were not built."""
        return tuple(name for name in self.peers if is_missing(name))


_capped = partial(transfers.downloaded_object, name=world.CAPPED)
_object = ("ours.download_object", ("peer.download_object", "rust.download_object"))
_artifact = ("ours.download_artifact", ("peer.download_artifact", "rust.download_artifact"))
_upload = ("ours.upload_object", ("peer.upload_object", "rust.upload_object"))
_parts = ("ours.upload_in_parts", ("peer.upload_object", "rust.upload_object"))
_small = ("ours.small_objects", ("peer.small_objects", "rust.small_objects"))
_payload = ("ours.download_payload", ("peer.download_payload", "rust.download_payload"))
_calls = ("ours.json_calls", ("peer.json_calls", "rust.json_calls"))
_parse = "parse.operators_and_sensors"
_durable = ("ours.download_object", (), ("ours.download_object_unsynced", "limits.bare_write"))
_durable_many = ("ours.download_payload", (), ("ours.download_payload_unsynced",))
_log = ("ours.follow_log", (), ("limits.logging_alone", "limits.curl_log"))
_100k = partial(partial, waits.most_tasks)
_runs = partial(partial, waits.runs)
_limit = ("ours.download_object", (), ("limits.necessary_work",))

CASES = (
    Case("download_object", Bar(ratio=2.0, fastest=1.2), transfers.downloaded_object, *_object, on_tmpfs=True),
    Case("download_s3_artifact", Bar(ratio=2.0, fastest=1.2), transfers.downloaded_artifact, *_artifact, on_tmpfs=True),
    Case("download_capped", Bar(ratio=5.0, fastest=4.0), _capped, *_object),
    Case("download_capped_aria2", Bar(ratio=1.0), _capped, "ours.download_object", ("limits.aria2c",)),
    Case("download_limit", Bar(ratio=0.85), transfers.downloaded_object, *_limit, on_tmpfs=True),
    Case("download_durable", Bar(ratio=0.87), transfers.downloaded_object, *_durable),
    Case("upload_object", Bar(ratio=1.4, fastest=1.1), transfers.uploaded_object, *_upload, on_tmpfs=True),
    Case(
        "small_objects",
        Bar(ratio=1.5, fastest=0.7),
        partial(transfers.small_objects, far=False),
        *_small,
        on_tmpfs=True,
    ),
    Case("small_objects_far", Bar(ratio=2.0, fastest=1.5), partial(transfers.small_objects, far=True), *_small),
    Case("download_cut", Bar(ours=1.02), transfers.cut_download, *_object, unit="x size"),
    Case("memory", Bar(ours=64), transfers.memory, "ours", unit="MiB"),
    Case("multipart_upload", Bar(ratio=1.5), transfers.uploaded_object, *_parts),
    Case("multipart_capped", Bar(ratio=4.0, fastest=3.5), partial(transfers.uploaded_object, rate=CAP), *_parts),
    Case("multipart_huge", Bar(ours=64), transfers.huge, "ours.round_trip", unit="MiB"),
    Case("payload_many", Bar(ratio=2.0, fastest=1.0), partial(payloads.downloaded_payload, far=False), *_payload),
    Case("payload_many_far", Bar(ratio=6.0, fastest=5.0), partial(payloads.downloaded_payload, far=True), *_payload),
    Case("payload_durable", Bar(ratio=0.77), partial(payloads.downloaded_payload, far=False), *_durable_many),
    Case("payload_list", Bar(ours=8), payloads.listed, "ours.list_payload", unit="MiB"),
    Case("log_stream", Bar(ratio=0.7), partial(logs.followed, figure=lambda run: run.seconds), *_log),
    Case(
        "log_stream_memory",
        Bar(ours=16),
        partial(logs.followed, figure=lambda run: run.memory / MIB),
        "ours.follow_log",
        unit="MiB",
    ),
    Case("waits_5000", Bar(ours=110), waits.unchanging, "waits.hold", unit="calls"),
    Case("waits_tasks", Bar(ours=10), waits.many_tasks, "waits.hold", unit="calls"),
    Case("waits_mixed", Bar(ours=330), waits.mixed, "waits.hold", unit="calls"),
    Case("waits_latency", Bar(ours=waits.INTERVAL + 1), partial(waits.changing, figure=waits.latency), "waits.hold"),
    Case("waits_loop_lag", Bar(ours=50), partial(waits.changing, figure=waits.loop_lag), "waits.hold", unit="ms"),
    Case("waits_memory", Bar(ours=20), partial(waits.changing, figure=waits.memory_each), "waits.hold", unit="KiB"),
    Case("runs_200", Bar(ours=12), _runs(figure=waits.requests_each_interval), "waits.hold", unit="calls"),
    Case("runs_200_memory", Bar(ours=30), _runs(figure=waits.memory_each), "waits.hold", unit="KiB"),
    Case("waits_100k", Bar(ours=105), _100k(figure=waits.requests_each_interval), "waits.hold", unit="calls"),
    Case("waits_100k_lag", Bar(ours=50), _100k(figure=waits.loop_lag), "waits.hold", unit="ms"),
    Case("waits_100k_memory", Bar(ours=20), _100k(figure=waits.memory_each), "waits.hold", unit="KiB"),
    Case("cold_start", Bar(ratio=0.77), cold.started, "cold.ours", ("cold.peer",), unit="ms"),
    Case("json_calls", Bar(ratio=1.3), transfers.json_calls, *_calls),
    Case(
        "dag_parse", Bar(ours=50), partial(transfers.parsed, figure=lambda run: run.seconds * 1000), _parse, unit="ms"
    ),
    Case(
        "dag_parse_memory",
        Bar(ours=10),
        partial(transfers.parsed, figure=lambda run: run.memory / MIB),
        _parse,
        unit="MiB",
    ),
)

# Names for several cases. Those about waits hold them for 40 s each, so that ``default`` leaves them out.
GROUPS = {
    "all": [case.key for case in CASES],
    "default": [case.key for case in CASES if case.ours != "waits.hold"],
    "clients": [case.key for case in CASES if case.peers],
    "waits": [case.key for case in CASES if case.ours == "waits.hold"],
}
