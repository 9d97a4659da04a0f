"""``make bench`` with small sizes: every case runs, is checked, and leaves its figures."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import sys

import pytest

from benchmarks.cases import CASES

CASE = {case.key: case for case in CASES}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (shutil.which("nginx") or shutil.which("/usr/sbin/nginx")), reason="`make bench` installs nginx"
    ),
    pytest.mark.skipif(not shutil.which("aria2c"), reason="`make bench` installs aria2"),
]

WITH_PEER = {
    *("download_object", "download_s3_artifact", "download_capped", "download_capped_aria2", "download_limit"),
    *("upload_object", "small_objects", "small_objects_far", "download_cut", "json_calls", "cold_start"),
    *("multipart_upload", "multipart_capped", "payload_many", "payload_many_far"),
    *("download_durable", "payload_durable", "log_stream"),
}
WAITS = {
    *("waits_5000", "waits_tasks", "waits_mixed", "waits_latency", "waits_loop_lag", "waits_memory"),
    *("runs_200", "runs_200_memory", "waits_100k", "waits_100k_lag", "waits_100k_memory"),
}


def benchmarks(scripts, results, *options):
    command = [sys.executable, "-m", "benchmarks", "--size", "4MiB", "--objects", "10", "--calls", "20"]
    command += ["--repeat", "1", "--results", str(results), *options]
    return subprocess.run(command, cwd=scripts.parent, capture_output=True, text=True, timeout=1500, check=False)


def test_every_case_has_its_figures(scripts, tmp_path):
    done = benchmarks(scripts, tmp_path, "--no-bars", "--cases", "all")
    assert done.returncode == 0, done.stderr
    said = json.loads((tmp_path / "latest.json").read_text())
    cases = said["cases"]
    others = {"memory", "multipart_huge", "payload_list", "log_stream_memory", "dag_parse", "dag_parse_memory"}
    assert set(cases) == WITH_PEER | WAITS | others
    for key, case in cases.items():
        assert is_number(case["ours"]), key
        assert is_number(case["spread"]), key
        assert case["unit"], key
        assert key in done.stdout
        assert all(is_number(medians["cpu"]) for medians in case["contenders"].values()), key
        assert set(case["contenders"]) == set(CASE[key].contenders), case["note"]
    for key in WITH_PEER:
        assert is_number(cases[key]["peer"]), key
        assert is_number(cases[key]["ratio"]), key
    assert cases["download_cut"]["peer"] > 1.5  # it begins again after each cut
    assert cases["small_objects_far"]["ours"] > 10 * 0.020 * 4  # at least four round trips for each object
    assert {"date", "cores", "cpu", "python", "taskcluster", "taskcluster (Rust)", "nginx"} <= set(said["machine"])


def is_number(value):
    return isinstance(value, float) and math.isfinite(value)


def test_a_missed_bar_is_a_failure(scripts, tmp_path):
    """4 MiB are hashed before a process could have fetched them."""
    done = benchmarks(scripts, tmp_path, "--cases", "download_limit")
    assert done.returncode == 1, done.stdout
    assert " NO" in done.stdout


def test_the_growth_is_drawn(scripts, tmp_path):
    done = benchmarks(scripts, tmp_path, "--growth")
    assert done.returncode == 0, done.stderr
    for name, mark in [("growth.svg", "1 KiB"), ("growth-cpu.svg", "1 MiB"), ("growth-files.svg", "100 files")]:
        plot = (tmp_path / name).read_text()
        assert plot.count("<polyline") >= 2, name
        assert mark in plot, name
    said = json.loads((tmp_path / "growth.json").read_text())
    assert {"Python client", "8 connections"} < set(said["sizes"])
    assert {"Python client", "8 connections"} < set(said["files"])
    assert all(sentence in done.stdout for sentence in said["fits"])
