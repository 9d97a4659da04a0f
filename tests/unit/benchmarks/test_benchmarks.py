"""The parts of ``benchmarks/`` that compute: results of cases, sizes, the plot, and proxies."""

from __future__ import annotations

import importlib.util
import socket
import threading
import time
import xml.etree.ElementTree as ET
from contextlib import contextmanager

import pytest

from benchmarks import growth, proxies
from benchmarks.cases import CASES, Bar
from benchmarks.contenders import ours, waits
from benchmarks.plot import Series
from benchmarks.runner import summarize
from benchmarks.sources import parse_size, show_size

CASE = {case.key: case for case in CASES}


def test_figures_are_medians_and_the_ratio_is_how_much_better_ours_is():
    runs = {"ours.download_object": [1.0, 9.0, 2.0], "peer.download_object": [4.0, 5.0, 6.0]}
    result = summarize(CASE["download_object"], runs, {})
    assert (result.ours, result.peer, result.ratio, result.spread, result.reached) == (2.0, 5.0, 2.5, 4.0, True)


def test_the_slowest_of_the_limits_is_the_limit():
    runs = {"ours.download_object": [2.0], "limits.hashing": [1.0], "limits.raw_socket": [1.6]}
    result = summarize(CASE["download_limit"], runs, {})
    assert (result.peer, result.ratio, result.reached) == (1.6, 0.8, False)


def test_a_peer_that_failed_has_no_figure_and_a_bar_on_ours_still_counts():
    runs = {"ours.download_object": [1.01], "peer.download_object": []}
    result = summarize(CASE["download_cut"], runs, {"peer.download_object": "it hung"})
    assert (result.peer, result.ratio, result.reached, result.note) == (None, None, True, "peer.download_object failed")


def test_ours_reaches_no_bar_when_it_failed():
    runs = {"ours.download_object": [1.0], "peer.download_object": [4.0]}
    result = summarize(CASE["download_object"], runs, {"ours.download_object": "it hung"})
    assert (result.ours, result.reached) == (None, False)


@pytest.mark.parametrize(
    ("bar", "ours", "ratio", "reached"),
    [
        (Bar(ratio=2.0), 1, 2.0, True),
        (Bar(ratio=2.0), 1, 1.99, False),
        (Bar(ratio=2.0), 1, None, False),
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
    series = [Series("8 connections", [(1024, 0.01), (1 << 30, 1.5)]), Series("peer", [(1024, 0.02), (1 << 30, 4.0)])]
    drawn = growth.draw(series)
    ET.fromstring(drawn)
    assert drawn.count("<polyline") == 2
    assert all(text in drawn for text in ("8 connections", "peer", "1 KiB", "1 GiB", "0.01 s", "10 s"))


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
