"""The command worker: what a task's payload makes it do, and how runs end."""

from __future__ import annotations

import gzip
import os
import re
import time
from datetime import datetime
from pathlib import Path

import pytest
from command_tasks import BACKING, LIVE, PYTHON, SLEEP, Queue
from emulator_clients import eventually, http, in_days

from airflow_provider_taskcluster.emulator.store.faults import Reset, Status


@pytest.fixture
def queue(root):
    return Queue(root)


@pytest.fixture
def working(queue):
    """A queue with a worker that reclaims often."""
    with queue.worker(reclaim_seconds=0.2):
        yield queue


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def pid_in(log):
    return int(re.search(r"^pid (\d+)$", log, re.MULTILINE)[1])


def test_commands_run_in_order_without_a_shell(working):
    task_id = working.create(["echo", "one", "$HOME; *"], ["echo", "two"])
    assert working.end(task_id) == ("completed", "completed")
    log = working.log(task_id)
    assert "\none $HOME; *\n" in log
    assert log.index("\none ") < log.index("\ntwo\n")
    assert log == working.content(task_id, LIVE).decode()


def test_the_log_says_what_begins_and_how_it_ended(working):
    task_id = working.create(["true"], ["sh", "-c", "exit 3"], ["echo", "never"])
    assert working.end(task_id) == ("failed", "failed")
    lines = re.sub(r"\[taskcluster \S+Z\]|\d+\.\d+s|^Task ID.*$", "-", working.log(task_id)).splitlines()
    assert lines[1:] == [
        "- === Task Starting ===",
        "- Executing command 0: true",
        "-   Exit Code: 0",
        "-   Wall Time: -",
        "-      Result: SUCCEEDED",
        "- Executing command 1: sh -c 'exit 3'",
        "-   Exit Code: 3",
        "-   Wall Time: -",
        "-      Result: FAILED",
        "- === Task Finished ===",
        "- Task Duration: -",
        "[taskcluster:error] exit status 3",
    ]


def test_a_command_finds_its_task_in_the_environment_and_no_credentials(working, monkeypatch):
    monkeypatch.setenv("TASKCLUSTER_ACCESS_TOKEN", "of the emulator's owner")
    task_id = working.create(["env"], env={"GREETING": "hello", "TASK_ID": "another"})
    assert working.end(task_id) == ("completed", "completed")
    output = [line for line in working.log(task_id).splitlines() if not line.startswith("[taskcluster")]
    variables = dict(line.split("=", 1) for line in output)
    assert variables.pop("PATH").endswith("/bin")
    assert "taskcluster-task-" in variables.pop("HOME")
    assert variables == {
        "GREETING": "hello",
        "TASK_ID": task_id,
        "RUN_ID": "0",
        "TASK_GROUP_ID": task_id,
        "TASKCLUSTER_ROOT_URL": working.clients.tc.root_url,
    }


def test_each_task_has_a_folder_of_its_own_that_is_removed(working):
    task_ids = [working.create(["sh", "-c", "pwd; ls -A; touch left"]) for _ in range(2)]
    folders = set()
    for task_id in task_ids:
        assert working.end(task_id) == ("completed", "completed")
        (folder,) = [line for line in working.log(task_id).splitlines() if not line.startswith("[taskcluster")]
        folders.add(folder)
    assert len(folders) == 2
    eventually(lambda: not any(map(os.path.exists, folders)))


def test_a_program_that_is_not_there_fails_the_task(working):
    task_id = working.create(["no-such-program"])
    assert working.end(task_id) == ("failed", "failed")
    assert "[taskcluster:error] Cannot start no-such-program: " in working.log(task_id)


def test_max_run_time_kills_all_processes_and_fails_the_run(working):
    task_id = working.create(["sh", "-c", "sleep 600 & echo pid $!; sleep 600"], ["echo", "never"], maxRunTime=1)
    assert working.end(task_id) == ("failed", "failed")
    log = working.log(task_id)
    assert "[taskcluster:error] Aborting task - max run time exceeded!" in log
    assert "never" not in log.splitlines()
    eventually(lambda: not is_alive(pid_in(log)))


def test_processes_that_a_command_leaves_are_killed(working):
    task_id = working.create(["sh", "-c", "sleep 600 & echo pid $!"])
    start = time.monotonic()
    assert working.end(task_id) == ("completed", "completed")
    assert time.monotonic() - start < 10
    eventually(lambda: not is_alive(pid_in(working.log(task_id))))


def test_output_after_standard_output_is_closed_is_no_end(working):
    task_id = working.create_python("import os, time; os.close(1); os.close(2); time.sleep(0.5); os._exit(7)")
    assert working.end(task_id) == ("failed", "failed")
    assert "exit status 7" in working.log(task_id)


@pytest.mark.parametrize("storage_type", ["object", "s3"])
def test_files_and_directories_become_artifacts(queue, storage_type):
    expires = in_days(3)
    with queue.worker(storage_type=storage_type):
        task_id = queue.create(
            ["sh", "-c", "mkdir -p out/deep; echo '{}' > out/a.json; echo text > out/deep/b.txt; echo c > c"],
            artifacts=[
                {"type": "directory", "path": "out", "name": "public/out", "expires": expires},
                {"type": "file", "path": "c", "name": "private/c", "contentType": "text/x-c"},
            ],
        )
        assert queue.end(task_id) == ("completed", "completed")
    listed = {each["name"]: each for each in queue.queue.listArtifacts(task_id, 0)["artifacts"]}
    assert sorted(listed) == ["private/c", LIVE, BACKING, "public/out/a.json", "public/out/deep/b.txt"]
    assert [each["storageType"] for each in listed.values()].count(storage_type) == 4
    assert listed["public/out/a.json"]["contentType"] == "application/json"
    assert listed["private/c"]["contentType"] == "text/x-c"
    assert datetime.fromisoformat(listed["public/out/a.json"]["expires"]) == datetime.fromisoformat(expires)
    assert listed["private/c"]["expires"] == queue.status(task_id)["expires"]
    text = queue.content(task_id, "public/out/deep/b.txt")
    assert (gzip.decompress(text) if storage_type == "s3" else text) == b"text\n"


def test_the_backing_log_in_s3_is_stored_gzip_encoded(queue):
    with queue.worker(storage_type="s3"):
        task_id = queue.create(["echo", "hello"])
        assert queue.end(task_id) == ("completed", "completed")
    url = queue.queue.artifact(task_id, 0, LIVE)["url"]
    _, headers, body = http("GET", url)
    assert (headers["Content-Encoding"], headers["Content-Type"]) == ("gzip", "text/plain; charset=utf-8")
    assert "\nhello\n" in gzip.decompress(body).decode()


@pytest.mark.parametrize(
    ("artifact", "why"),
    [
        ({"type": "file", "path": "missing"}, "file-missing-on-worker"),
        ({"type": "directory", "path": "missing"}, "file-missing-on-worker"),
        ({"type": "file", "path": "folder"}, "invalid-resource-on-worker"),
        ({"type": "directory", "path": "file"}, "invalid-resource-on-worker"),
        ({"type": "file", "path": "../log"}, "invalid-resource-on-worker"),
        ({"type": "file", "path": "/etc/hostname"}, "invalid-resource-on-worker"),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{value['type']}-{value['path'].strip('./')}",
)
def test_an_artifact_that_cannot_be_is_an_error_artifact_and_fails_the_run(working, artifact, why):
    task_id = working.create(
        ["sh", "-c", "mkdir folder; touch file"], artifacts=[{"name": "public/result", **artifact}]
    )
    assert working.end(task_id) == ("failed", "failed")
    assert working.artifacts(task_id)["public/result"] == "error"
    status, body = working.content(task_id, "public/result")
    assert status == 424
    assert why.encode() in body
    assert f"[taskcluster:error] TASK FAILURE during artifact upload: {why}: " in working.log(task_id)


def test_artifacts_are_published_by_a_failed_command_too(working):
    artifacts = [{"type": "file", "path": "a", "name": "public/a"}]
    task_id = working.create(["sh", "-c", "echo a > a; exit 1"], artifacts=artifacts)
    assert working.end(task_id) == ("failed", "failed")
    assert working.content(task_id, "public/a") == b"a\n"


def test_an_artifact_that_the_queue_refuses_is_a_malformed_payload(working):
    artifacts = [{"type": "file", "path": "a", "name": "public/\u00e4"}]
    task_id = working.create(["touch", "a"], artifacts=artifacts)
    assert working.end(task_id) == ("exception", "malformed-payload")
    assert "[taskcluster:error] Cannot publish an artifact: " in working.log(task_id)


def test_exit_codes_that_the_payload_names_are_intermittent(working):
    script = ["sh", "-c", 'exit "$((75 + RUN_ID))"']
    task_id = working.create(script, onExitStatus={"retry": [75]})
    assert working.end(task_id) == ("failed", "failed")
    assert working.runs(task_id) == [("exception", "intermittent-task"), ("failed", "failed")]
    assert working.status(task_id)["runs"][1]["reasonCreated"] == "task-retry"
    assert "exit code 75" in working.log(task_id, 0)
    assert "exit status 76" in working.log(task_id, 1)


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        ({"command": "echo hello"}, "command: "),
        ({"command": []}, "command: "),
        ({"command": [["echo", 1]]}, "command.0.1: "),
        ({"maxRunTime": 0}, "maxRunTime: "),
        ({"maxRunTime": 100_000}, "maxRunTime: "),
        ({"env": {"A": 1}}, "env.A: "),
        ({"env": {"A=B": "c"}}, "is no name of an environment variable"),
        ({"mounts": []}, "mounts: this worker has no such field"),
        ({"artifacts": [{"type": "link", "path": "a"}]}, "artifacts.0.type: "),
        ({"artifacts": [{"type": "file", "path": "a", "expires": in_days(0.5)}]}, "expires before the task's deadline"),
        ({"artifacts": [{"type": "file", "path": "a", "expires": in_days(50)}]}, "expires after the task"),
    ],
    ids=[
        "command-text", "command-empty", "command-number", "run-time-none", "run-time-long", "env-number", "env-name",
        "mounts", "artifact-type", "artifact-early", "artifact-late",
    ],
)  # fmt: skip
def test_a_malformed_payload_is_an_exception_with_the_reason_in_the_log(working, payload, said):
    task_id = working.create(["echo", "never"], **payload)
    assert working.end(task_id) == ("exception", "malformed-payload")
    log = working.content(task_id, LIVE).decode()
    assert "[taskcluster:error] The task's payload is malformed:" in log
    assert said in log
    assert "never" not in log.splitlines()


def test_a_payload_can_name_the_logs_and_switch_them_off(working):
    named = working.create(["true"], logs={"live": "private/now.log", "backing": "private/then.log"})
    silent = working.create(["true"], features={"liveLog": False, "chainOfTrust": True})
    nothing = working.create(["true"], features={"liveLog": False, "backingLog": False})
    for task_id in (named, silent, nothing):
        assert working.end(task_id) == ("completed", "completed")
    assert working.artifacts(named) == {"private/now.log": "link", "private/then.log": "object"}
    assert working.artifacts(silent) == {BACKING: "object"}
    assert working.artifacts(nothing) == {}


def test_an_artifact_does_not_take_the_place_of_the_log(working):
    artifacts = [{"type": "directory", "path": "logs", "name": "public/logs"}]
    task_id = working.create(["sh", "-c", "mkdir logs; echo false > logs/live_backing.log"], artifacts=artifacts)
    assert working.end(task_id) == ("completed", "completed")
    assert "Not uploading artifact public/logs/live_backing.log" in working.log(task_id)


def test_a_cancelled_task_is_killed_by_the_next_reclaim_and_its_log_comes_late(working):
    task_id = working.create(["sh", "-c", "echo pid $$; exec sleep 600"])
    working.wait_for_output(task_id, "\npid ")
    assert working.queue.cancelTask(task_id)["status"]["state"] == "exception"
    log = working.late_log(task_id)
    assert "[taskcluster:error] Aborting task - the run is resolved: it was cancelled" in log
    assert working.runs(task_id) == [("exception", "canceled")]
    eventually(lambda: not is_alive(pid_in(log)))
    after = working.create(["true"])
    assert working.end(after) == ("completed", "completed")


def test_a_cancelled_task_runs_on_until_it_is_reclaimed(queue):
    with queue.worker(reclaim_seconds=600):
        task_id = queue.create(["sh", "-c", "sleep 1; echo still here"])
        queue.stream_url(task_id)
        queue.queue.cancelTask(task_id)
        log = queue.late_log(task_id)
    assert "still here" in log.splitlines()
    assert queue.runs(task_id) == [("exception", "canceled")]


def test_a_claim_is_kept_by_reclaims(working):
    task_id = working.create(["sleep", "1.5"])
    working.stream_url(task_id)
    before = working.status(task_id)["runs"][0]["takenUntil"]
    later = eventually(lambda: working.status(task_id)["runs"][0]["takenUntil"] > before, 3)
    assert later
    assert working.end(task_id) == ("completed", "completed")


def test_a_run_whose_claim_expired_is_given_up_and_run_again(working):
    task_id = working.create(["sh", "-c", '[ "$RUN_ID" -gt 0 ] || exec sleep 600'])
    working.stream_url(task_id)
    with working.clients.tc.clock.advanced(minutes=21):
        assert working.end(task_id) == ("completed", "completed")
    assert working.runs(task_id) == [("exception", "claim-expired"), ("completed", "completed")]


def test_a_run_past_its_deadline_is_given_up_even_with_credentials_that_expired(working, tmp_path):
    task_id = working.create(["sh", "-c", f"echo $$ > {tmp_path}/pid; exec sleep 600"])
    working.stream_url(task_id)
    pid = int(eventually(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text()))
    with working.clients.tc.clock.advanced(days=2):
        eventually(lambda: not is_alive(pid))
        assert working.runs(task_id)[0] == ("exception", "claim-expired")
        assert working.status(task_id)["state"] == "exception"


def test_a_worker_that_stops_gives_its_task_back(queue):
    with queue.worker():
        task_id = queue.create(SLEEP)
        queue.stream_url(task_id)
        start = time.monotonic()
    assert time.monotonic() - start < 10
    assert queue.runs(task_id) == [("exception", "worker-shutdown"), ("pending", None)]
    assert "[taskcluster:error] Aborting task - the worker shuts down" in queue.log(task_id)


def test_an_idle_worker_stops_at_once_and_claims_nothing_after(queue):
    with queue.worker():
        time.sleep(0.3)
        start = time.monotonic()
    assert time.monotonic() - start < 0.8
    task_id = queue.create(["true"])
    time.sleep(0.3)
    assert queue.status(task_id)["state"] == "pending"


def test_as_many_tasks_run_at_once_as_the_capacity_says(queue):
    with queue.worker(capacity=2):
        task_ids = [queue.create(SLEEP) for _ in range(3)]
        eventually(lambda: [queue.status(task_id)["state"] for task_id in task_ids].count("running") == 2, 10)
        time.sleep(0.3)
        assert sorted(queue.status(task_id)["state"] for task_id in task_ids) == ["pending", "running", "running"]


def test_a_worker_that_is_refused_says_so_and_tries_again(queue, holding, caplog):
    limited = Queue(holding("queue:claim-work:*", client_id="tests/worker"))
    with limited.worker():
        said = eventually(lambda: [r.message for r in caplog.records if "No work was claimed of" in r.message])
    assert "queue:worker-id:emulator/command-worker" in said[0]


@pytest.fixture
def api_faults(tc):
    yield tc.api_faults
    tc.api_faults.clear()


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        ("/completed", Status(502)),
        ("/completed", Reset(0)),
        ("live.log", Status(502)),
        ("live.log", Reset(0)),
        ("/claim-work/", Status(502)),
    ],
    ids=["resolution", "resolution-answer", "reference", "reference-answer", "claim"],
)
def test_a_service_that_fails_for_a_moment_is_asked_again(queue, api_faults, path, fault):
    task_id = queue.create(["echo", "hello"])
    api_faults.add(fault, method="POST", path=path)
    with queue.worker():
        assert queue.end(task_id) == ("completed", "completed")
    assert queue.artifacts(task_id) == {LIVE: "link", BACKING: "object"}


def test_it_warns_that_it_runs_what_it_is_told(queue, caplog):
    with queue.worker():
        pass
    assert f"A worker runs the tasks of {queue.task_queue_id}: it does whatever a task tells it to" in caplog.text


def test_the_fixture_runs_tasks(root, taskcluster_worker):
    queue = Queue(root)
    queue._creator.task_queue_id = taskcluster_worker.task_queue_id
    task_id = queue.create_python("print('from', 'python')")
    assert queue.end(task_id) == ("completed", "completed")
    assert "from python" in queue.log(task_id).splitlines()
    assert PYTHON in queue.log(task_id)
