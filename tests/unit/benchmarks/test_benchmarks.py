"""The parts of ``benchmarks/`` that compute: results of cases, sizes, the plot, and proxies."""

from __future__ import annotations

import importlib.util
import re
import socket
import threading
import time
import xml.etree.ElementTree as ET
from contextlib import contextmanager, nullcontext
from dataclasses import replace

import pytest

from benchmarks import programs, proxies
from benchmarks.cases import CASES, GROUPS, Bar, Case
from benchmarks.contenders import ours, waits
from benchmarks.fits import Point, fits
from benchmarks.growth import plots
from benchmarks.plot import Series, logarithmic
from benchmarks.runner import Progress, run, summarize
from benchmarks.sources import parse_size, show_size
from benchmarks.world import Run

CASE = {case.key: case for case in CASES}


def runs_of(*seconds, figure=None):
    return [Run(one, 1, cpu=one / 2, memory=1 << 20, peak=3 << 20, figure=figure) for one in seconds]


def test_figures_are_medians_and_the_ratio_is_how_much_better_ours_is():
    runs = {"ours.download_object": runs_of(1.0, 9.0, 2.0), "peer.download_object": runs_of(4.0, 5.0, 6.0)}
    result = summarize(CASE["download_object"], runs, {})
    assert (result.ours, result.peer, result.ratio, result.spread, result.reached) == (2.0, 5.0, 2.5, 4.0, True)
    ours = result.contenders["ours.download_object"]
    assert (ours.cpu, ours.memory, ours.peak) == (1.0, 1.0, 3.0)


def test_the_fastest_peer_counts_too():
    runs = {"ours.download_object": runs_of(2.0), "peer.download_object": runs_of(5.0)}
    slower = summarize(CASE["download_object"], {**runs, "rust.download_object": runs_of(3.0)}, {})
    faster = summarize(CASE["download_object"], {**runs, "rust.download_object": runs_of(2.2)}, {})
    assert (slower.ratio, slower.fastest, slower.reached) == (2.5, 1.5, True)
    assert (faster.ratio, faster.fastest, faster.reached) == (2.5, 1.1, False)


def test_the_slowest_of_the_limits_is_the_limit():
    runs = {"ours.follow_log": runs_of(2.0), "limits.logging_alone": runs_of(1.0), "limits.curl_log": runs_of(1.6)}
    result = summarize(CASE["log_stream"], runs, {})
    assert (result.peer, result.ratio, result.fastest, result.reached) == (1.6, 0.8, None, True)


def test_a_peer_that_failed_has_no_figure_and_a_bar_on_ours_still_counts():
    runs = {"ours.download_object": runs_of(7.0, figure=1.01), "peer.download_object": []}
    result = summarize(CASE["download_cut"], runs, {"peer.download_object": "it hung"})
    assert (result.ours, result.peer, result.ratio, result.reached) == (1.01, None, None, True)
    assert "peer.download_object failed" in result.note


def test_ours_reaches_no_bar_when_it_failed():
    runs = {"ours.download_object": runs_of(1.0), "peer.download_object": runs_of(4.0)}
    result = summarize(CASE["download_object"], runs, {"ours.download_object": "it hung"})
    assert (result.ours, result.reached) == (None, False)


def test_a_program_that_was_not_built_is_named_and_not_run(monkeypatch, tmp_path):
    monkeypatch.setitem(programs.PROGRAMS, "rust", tmp_path / "peer")
    case = CASE["download_object"]
    assert case.contenders == ("ours.download_object", "peer.download_object")
    assert "rust.download_object not run: not built" in summarize(case, {case.ours: runs_of(1.0)}, {}).note
    assert programs.versions() == {"taskcluster (Rust)": "not built"}


def test_a_program_that_was_built_takes_its_turn(monkeypatch, tmp_path):
    monkeypatch.setitem(programs.PROGRAMS, "rust", tmp_path / "peer")
    (tmp_path / "peer").touch()
    assert "rust.download_object" in CASE["download_object"].contenders
    assert programs.command("rust.json_calls", {"count": 3}) == [str(tmp_path / "peer"), "json_calls", '{"count": 3}']
    assert re.fullmatch(r"[\d.]+", programs.versions()["taskcluster (Rust)"])


def test_nobody_works_long_for_a_case(monkeypatch):
    """A contender whose runs took 10 s in all is not run again; the other contenders are."""
    seconds = {"ours.download_object": 1.0, "peer.download_object": 6.0}
    case = replace(CASE["download_object"], setup=lambda _: nullcontext(lambda name: runs_of(seconds[name])[0]))
    monkeypatch.setattr(Case, "contenders", tuple(seconds))
    result = run(case, workspace=None, repeat=5, progress=Progress(10))
    assert {name: len(medians.figures) for name, medians in result.contenders.items()} == {
        "ours.download_object": 5,
        "peer.download_object": 2,
    }


def test_groups_name_cases():
    assert set(GROUPS["clients"]) > {"download_object", "payload_many_far"}
    assert set(GROUPS["waits"]) > {"waits_5000", "runs_200"}
    assert set(GROUPS["all"]) == set(CASE) == {*GROUPS["default"], *GROUPS["waits"]}


@pytest.mark.parametrize(
    ("bar", "ours", "ratio", "reached"),
    [
        (Bar(ratio=2.0), 1, 2.0, True),
        (Bar(ratio=2.0), 1, 1.99, False),
        (Bar(ratio=2.0), 1, None, False),
        (Bar(ratio=2.0, fastest=1.2), 1, 2.0, False),
        (Bar(ours=1.02), 1.02, None, True),
        (Bar(ours=1.02), 1.03, 9, False),
    ],
)
def test_bars(bar, ours, ratio, reached):
    assert bar.reached(ours, ratio) is reached


def test_sizes_are_read_and_shown():
    assert [parse_size(text) for text in ("64MiB", "1GiB", "3KiB", "17")] == [64 << 20, 1 << 30, 3072, 17]
    assert [show_size(size) for size in (64 << 20, 1 << 30, 3072, 17)] == ["64 MiB", "1 GiB", "3 KiB", "17 B"]


def test_the_plot_is_well_formed_and_has_each_line():
    series = [Series("8 connections", [(1024, 0.01), (1 << 30, 1.5)]), Series("peer", [(1024, 0.02)], of_peer=True)]
    drawn = logarithmic(series, show_size, "{:g} s")
    ET.fromstring(drawn)
    assert drawn.count("<polyline") == 2
    assert all(text in drawn for text in ("8 connections", "peer", "1 KiB", "1 GiB", "0.01 s", "10 s"))


def line_of(cost, *amounts):
    return [Point(amount, 0.5 + cost * amount, cpu=0.25 + cost * amount, memory=9.0) for amount in amounts]


def test_growth_is_said_in_sentences():
    by_size = {"8 connections": line_of(2 / (1 << 30), 1 << 20, 1 << 27, 1 << 30, 1 << 32)}
    by_files = {"8 connections": line_of(0.004, 1, 10, 1000), "Rust client": line_of(0.002, 1, 1000)}
    assert fits(by_size, by_files) == [
        "Time by size: 0.5 s, and 2 s per GiB (a linear fit, R² 1.000).",
        "Processor time by size: 0.25 s, and 2 s per GiB (a linear fit, R² 1.000).",
        "Memory by size: 9 MiB for 128 MiB, 9 MiB for 4 GiB.",
        "Time by number of small files, from 1 to 1,000: 0.5 s, and 4 s per 1,000 files (a linear fit, R² 1.000).",
        "Small files a second, 1,000 of them: 8 connections 222, Rust client 400.",
    ]
    for plot in plots(by_size, by_files).values():
        ET.fromstring(plot)


@contextmanager
def answering(body):
    """Run a server that sends ``body`` in response to each connection's first bytes."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            while True:
                try:
                    wire, _ = server.accept()
                except OSError:
                    return
                with wire:
                    if wire.recv(100):
                        wire.sendall(body)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


def ask(port):
    with socket.create_connection(("127.0.0.1", port), timeout=10) as wire:
        wire.sendall(b"?")
        received = b""
        while chunk := wire.recv(1 << 16):
            received += chunk
        return received


def test_far_away_connecting_takes_a_round_trip_and_an_answer_another():
    with answering(b"yes") as port, proxies.far(port, 0.1) as far:
        started = time.monotonic()
        assert ask(far) == b"yes"
        assert 0.2 <= time.monotonic() - started < 1


def test_a_line_is_cut_where_it_is_told_and_what_passed_is_counted():
    with answering(bytes(1_000_000)) as port, proxies.cutting(port) as (cut, cutter):
        cutter.begin([300_000, 500_000])
        assert [len(ask(cut)) for _ in range(3)] == [300_000, 200_000, 1_000_000]
        assert cutter.passed == 1_500_000
        cutter.begin([])
        assert len(ask(cut)) == cutter.passed == 1_000_000


def test_what_is_imported_before_the_clock_starts_exists():
    assert all(importlib.util.find_spec(name) for name in (ours.ENGINE, *ours.LAZY, *waits.LAZY))
