"""One hook used in many threads, in an event loop, pickled, copied, and after a fork."""

from __future__ import annotations

import asyncio
import copy
import gc
import os
import pickle
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from airflow_provider_taskcluster.emulator.store.faults import Drip
from airflow_provider_taskcluster.exceptions import ConnectionFailed, Interrupted
from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook
from airflow_provider_taskcluster.operators.objects import TaskclusterDownloadObjectOperator
from airflow_provider_taskcluster.sensors.objects import TaskclusterObjectSensor

COPIES = {"pickle": lambda thing: pickle.loads(pickle.dumps(thing)), "deepcopy": copy.deepcopy}
DATA = os.urandom(50_000)


@pytest.fixture
def used(hook, name, expires):
    """A hook that has made JSON calls and moved bytes, and `name` is there."""
    hook.upload_object(DATA, name, expires=expires)
    return hook


def in_child(act):
    """Run a function in a forked child and return its result as text, within a time limit."""
    receiver, sender = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(sender, str(act()).encode())
        finally:
            os._exit(0)
    os.close(sender)
    end = time.monotonic() + 20
    while not os.waitpid(child, os.WNOHANG)[0]:
        if time.monotonic() > end:
            os.kill(child, 9)
        time.sleep(0.01)
    with os.fdopen(receiver) as pipe:
        return pipe.read()


@pytest.mark.parametrize("travel", COPIES.values(), ids=COPIES)
def test_a_used_hook_can_be_copied_and_the_copy_works(used, name, travel, tc):
    other = travel(used)
    assert other.read_object(name) == DATA
    assert used.read_object(name) == DATA
    other.close()


def test_a_pickled_hook_holds_no_secret(used, tc):
    assert tc.access_token.encode() not in pickle.dumps(used)


def test_a_copy_keeps_what_the_hook_was_made_with(connect):
    hook = connect(hook_arguments={"connect_timeout": 1, "read_timeout": 2, "max_retries": 3})
    hook.ping()
    network = copy.deepcopy(hook).settings.network
    assert (network.connect_timeout, network.read_timeout, network.retry.max_retries) == (1, 2, 3)


@pytest.mark.parametrize("travel", COPIES.values(), ids=COPIES)
def test_an_operator_whose_hook_was_used_can_be_copied(used, name, travel, tmp_path):
    task = TaskclusterDownloadObjectOperator(
        task_id="t", taskcluster_conn_id="tc_test", name=name, destination=str(tmp_path / "a")
    )
    task.execute({})
    other = travel(task)
    other.destination = str(tmp_path / "b")
    other.execute({})
    assert (tmp_path / "b").read_bytes() == DATA
    sensor = TaskclusterObjectSensor(task_id="t", taskcluster_conn_id="tc_test", name=name)
    assert sensor.poke({}).is_done
    copied = travel(sensor)
    assert copied.poke({}).is_done
    for copy_ in (other, copied):
        copy_.hook.close()


def test_a_hook_works_inside_a_running_loop(used, name):
    async def main():
        return used.read_object(name), used.ping()["alive"]

    assert asyncio.run(main()) == (DATA, True)


def test_many_threads_may_use_one_hook(hook, name, expires):
    meeting = threading.Barrier(8)

    def round_trip(number):
        meeting.wait()
        hook.upload_object(DATA, f"{name}-{number}", expires=expires)
        return hook.read_object(f"{name}-{number}")

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(round_trip, range(8))) == [DATA] * 8


def test_json_calls_work_in_a_forked_child(used, name):
    hashes = used.object_metadata(name)["hashes"]
    assert in_child(lambda: used.object_metadata(name)["hashes"] == hashes) == "True"
    assert used.object_metadata(name)["hashes"] == hashes  # the parent's connections were left alone


@pytest.fixture
def small_heap():
    """What is there already is no concern of the garbage collector, which is quick then."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


def test_dropping_an_inherited_hook_is_quick_and_quiet(small_heap, tc, monkeypatch, capfd):
    monkeypatch.setenv("TASKCLUSTER_ROOT_URL", tc.root_url)
    hooks = [TaskclusterHook("not_defined")]
    hooks[0].ping()

    def drop():
        start = time.monotonic()
        hooks.clear()
        gc.collect()
        return time.monotonic() - start

    capfd.readouterr()
    assert float(in_child(drop)) < 0.5
    assert not capfd.readouterr().err
    assert hooks[0].ping()["alive"]


def test_closing_an_inherited_hook_leaves_the_parents_connections_alone(used):
    assert in_child(used.close) == "None"
    assert used.ping()["alive"]


@pytest.mark.parametrize("known", [True, False], ids=["connection read", "nothing read"])
def test_a_hook_that_is_stopped_before_its_first_transfer_begins_none(connect, name, expires, tc, tmp_path, known):
    connect("tc_before").upload_object(b"content", name, expires=expires)
    tc.journal.clear()
    hook = connect()
    if known:
        _ = hook.settings
    hook.stop()
    with pytest.raises(Interrupted):
        hook.download_object(name, tmp_path / "copy")
    with pytest.raises(Interrupted):
        hook.upload_object(b"content", f"{name}-other", expires=expires)
    assert not tc.journal.entries(origin="store")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES)
def test_a_copy_of_a_hook_that_is_stopped_goes_on(hook, name, expires, copied):
    hook.stop()
    assert copied(hook).upload_object(b"content", name, expires=expires).size == 7


def test_stopping_in_a_child_touches_nothing_of_the_parent_and_holds_for_the_child(hook, name, expires, tc, tmp_path):
    """As when a child inherits the signal handler that ends its parent's task."""
    data = os.urandom(2_000_000)
    hook.upload_object(data, name, expires=expires)
    tc.faults.add(Drip(100_000, 0.05), method="GET")
    with ThreadPoolExecutor(1) as pool:
        transfer = pool.submit(hook.download_object, name, tmp_path / "parent")
        while not hook._store._sender._connections:
            time.sleep(0.01)

        def stop_and_try():
            hook.stop()
            try:
                hook._store.check()
                with hook._store.get(tc.store_url, {}):
                    return "it goes on"
            except Interrupted:
                return "interrupted"

        assert in_child(stop_and_try) == "interrupted"
        assert in_child(hook.close) == "None"
        assert transfer.result(timeout=20).attempts == 1, "no request was broken off"
    assert (tmp_path / "parent").read_bytes() == data


@pytest.mark.parametrize("stop", ["stop", "abort"])
def test_what_a_child_stops_is_remembered_before_its_first_request(used, stop):
    sender = used._store._sender

    def acted():
        getattr(sender, stop)()
        try:
            with used._store.get("http://127.0.0.1:1/", {}):
                return "it goes on"
        except (Interrupted, ConnectionFailed) as error:
            return type(error).__name__

    assert in_child(acted) == {"stop": "Interrupted", "abort": "ConnectionFailed"}[stop]
    assert not sender.stopped
