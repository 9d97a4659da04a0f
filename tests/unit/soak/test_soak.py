"""The parts of ``soak/`` that compute: samples, growth and its bounds, the plot."""

from __future__ import annotations

import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import replace
from random import Random

import pytest

from soak import samples
from soak.growth import BOUNDS, growths
from soak.picture import POINTS, draw
from soak.samples import Sample

MIB = 1 << 20
EVERY = 5.0
COUNT = 360  # half an hour


def flat():
    """Samples of a process that fills its pools first, and then goes up and down with its work."""
    random = Random(7)
    return [
        Sample(
            seconds=number * EVERY,
            memory=(200 + random.randrange(30)) * MIB if number > COUNT // 10 else 100 * MIB,
            files=30 + random.randrange(10),
            threads=9 + random.randrange(12),
        )
        for number in range(COUNT)
    ]


def test_a_process_that_goes_up_and_down_is_flat():
    assert [growth.is_flat for growth in growths(flat())] == [True] * 3


@pytest.mark.parametrize("bound", BOUNDS, ids=lambda bound: bound.measure)
def test_a_leak_of_one_measure_in_half_an_hour_is_found_in_it_alone(bound):
    leaking = [
        replace(sample, **{bound.measure: getattr(sample, bound.measure) + int(bound.most * 2 * number / COUNT)})
        for number, sample in enumerate(flat())
    ]
    found = growths(leaking)
    assert [growth.bound.measure for growth in found if not growth.is_flat] == [bound.measure]
    assert [str(growth).endswith("LEAKED") for growth in found] == [not growth.is_flat for growth in found]


def test_too_few_samples_are_an_error_and_not_flat():
    with pytest.raises(ValueError, match="7 samples after the warm-up are too few"):
        growths(flat()[:9])


GROWING = """
import os, threading
print(flush=True)
input()
held, pipe, release = os.urandom(64 << 20), os.pipe(), threading.Event()
for _ in range(3):
    threading.Thread(target=release.wait).start()
print(flush=True)
input()
release.set()
"""


def test_a_sample_counts_files_threads_and_memory():
    """Of another process: this one frees memory of earlier tests meanwhile."""
    command = [sys.executable, "-S", "-c", GROWING]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as process:
        process.stdout.readline()
        before = samples.take(process.pid, 0.0)
        process.stdin.write("grow\n")
        process.stdout.readline()
        after = samples.take(process.pid, 0.0)
        process.stdin.write("end\n")
    assert after.threads - before.threads == 3
    assert after.files - before.files == 2
    assert after.memory - before.memory > 32 * MIB


def test_the_plot_has_a_line_for_each_measure_and_loses_no_peak():
    taken = flat()
    taken[200] = replace(taken[200], threads=400)
    drawn = draw(taken, growths(taken))
    ET.fromstring(drawn)
    assert drawn.count("<polyline") == 3
    assert drawn.count("<circle") == 3 * POINTS
    assert all(text in drawn for text in ("memory (", "files (", "threads (", "0 min", "30 min", "100 %"))
    heights = re.findall(r'cy="([0-9.]+)"', drawn)
    assert min(map(float, heights)) == 20.0  # the upper end of the axis
