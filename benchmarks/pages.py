"""What README and the documentation say about results: tables, with the machine, versions, spread and date."""

from __future__ import annotations

import textwrap
from typing import Any

from .sources import show_size

WIDTH = 125
# The rows: key of a case, and what it is about; {objects}, {files} and {calls} are amounts of the plan.
ROWS = {
    "download_object": "object to a file, sha256 and sha512 verified",
    "download_s3_artifact": "s3 artifact to a file",
    "download_capped": "object, each connection limited to 64 MiB/s",
    "upload_object": "file to an object",
    "multipart_upload": "file to an object in parts of 64 MiB",
    "multipart_capped": "the same, each connection limited to 64 MiB/s",
    "small_objects": "{objects} objects of 1 KiB up and down",
    "small_objects_far": "the same 20 ms away, over TLS",
    "payload_many": "{files} artifacts of 64 KiB to a folder",
    "payload_many_far": "{objects} of them 20 ms away, over TLS",
    "json_calls": "{calls} metadata calls",
    "download_cut": "bytes fetched over a connection that is cut five times",
    "memory": "additional memory for {large}, compared with {small}",
}
CASES = (*ROWS, "download_capped_aria2", "download_limit")
CLIENTS = ("ours", "peer", "rust")
SECONDS = [key for key in ROWS if key not in {"download_cut", "memory"}]


def speed(results: dict[str, Any]) -> str:
    """Return the table of README."""
    return "\n".join(
        [
            _introduction(results),
            "",
            "| | ours | Python | Rust | against the better one |",
            "|---|---|---|---|---|",
            *(_row(_title(key, results["plan"]), _speeds(results["cases"][key])) for key in ROWS),
        ]
    )


def cost(results: dict[str, Any]) -> str:
    """Return the table of CPU seconds and memory, and how near the limit a download is."""
    cases = results["cases"]
    aria, limit = cases["download_capped_aria2"], cases["download_limit"]
    return "\n".join(
        [
            "| | CPU: ours | Python | Rust | memory: ours | Python | Rust |",
            "|---|---|---|---|---|---|---|",
            *(_row(_title(key, results["plan"]), _costs(cases[key])) for key in SECONDS),
            "",
            _paragraph(
                f"""CPU is in seconds of all processors, memory in MiB by which the process grew at its peak. Two cores
                take {_number(limit["peer"])} s for the necessary work of the first row: both sums of bytes in memory,
                and a bare copy from socket to disk. The download takes {_number(limit["ours"])} s
                ({limit["ratio"]:.0%} of that speed). `aria2c -x8`, which hashes nothing, takes
                {_number(aria["peer"])} s for the third row, and this provider {_number(aria["ours"])} s."""
            ),
        ]
    )


def growth(measured: dict[str, Any]) -> str:
    """Return the sentences about growth."""
    return "\n".join(f"- {sentence}" for sentence in measured["fits"])


def _introduction(results: dict[str, Any]) -> str:
    machine, plan, cases = results["machine"], results["plan"], results["cases"]
    spread = max(cases[key]["spread"] for key in SECONDS)
    cpu = machine["cpu"].replace("(R)", "").replace(" CPU", "").partition(" @")[0]
    return _paragraph(
        f"""`make bench` compares this provider with Taskcluster's own clients for Python ({machine["taskcluster"]}) and
        Rust ({machine["taskcluster (Rust)"]}), side by side on one machine: {machine["cores"]} cores ({cpu}),
        {machine["system"]}, Python {machine["python"]}, nginx {machine["nginx"]}, {machine["date"]}. Medians of up to
        {plan["repeat"]} runs, which differ by up to {spread:.0%}; {show_size(plan["size"])} unless noted. The last
        column says how many times as good ours is; below 1, the other is better."""
    )


def _title(key: str, plan: dict[str, Any]) -> str:
    amounts = {"objects": f"{plan['objects']:,}", "files": f"{plan['objects'] * 5:,}", "calls": f"{plan['calls']:,}"}
    sizes = {"large": show_size(plan["size"] * 4), "small": show_size(plan["size"] // 64)}
    return ROWS[key].format(**amounts, **sizes)


def _speeds(case: dict[str, Any]) -> list[str]:
    unit = case["unit"].replace("x size", "x")
    figures = _of_clients(case, "figure")
    ratio = f"{case['fastest']:.2g}" if case["fastest"] else ""
    return [*(f"{_number(figure)} {unit}" if figure is not None else "" for figure in figures), ratio]


def _costs(case: dict[str, Any]) -> list[str]:
    found = [*_of_clients(case, "cpu"), *_of_clients(case, "memory")]
    return ["" if figure is None else _number(figure) for figure in found]


def _of_clients(case: dict[str, Any], name: str) -> list[float | None]:
    """Return a figure of each client, or None where it did not run."""
    by_module = {contender.partition(".")[0]: medians[name] for contender, medians in case["contenders"].items()}
    return [by_module.get(client) for client in CLIENTS]


def _number(value: float) -> str:
    """Return a number with three digits at most, two of them after the point."""
    return f"{float(f'{round(value, 2):.3g}'):g}"


def _paragraph(text: str) -> str:
    return textwrap.fill(" ".join(text.split()), WIDTH, break_on_hyphens=False, break_long_words=False)


def _row(title: str, cells: list[str]) -> str:
    return f"| {' | '.join([title, *cells])} |"
