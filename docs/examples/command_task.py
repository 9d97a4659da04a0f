"""A task that the emulator's worker runs, on the page on the emulator."""

from __future__ import annotations

# [START task]
import taskcluster


def create_task() -> str:
    """Create a task that counts to three, at the emulator that the environment names, and return its id."""
    queue = taskcluster.Queue(taskcluster.optionsFromEnvironment())
    task_id = str(taskcluster.slugId())
    count = "for i in 1 2 3; do echo $i; sleep 1; done; echo done > result.txt"
    queue.createTask(
        task_id,
        {
            "taskQueueId": "emulator/linux",
            "created": taskcluster.fromNowJSON("0 seconds"),
            "deadline": taskcluster.fromNowJSON("1 hour"),
            "payload": {
                "command": [["sh", "-c", count]],
                "maxRunTime": 60,
                "artifacts": [{"type": "file", "path": "result.txt", "name": "public/result.txt"}],
            },
            "metadata": {
                "name": "count",
                "description": "Counts to three",
                "owner": "nobody@example.com",
                "source": "https://example.com/",
            },
        },
    )
    return task_id


if __name__ == "__main__":
    print(create_task())  # noqa: T201 (an example)
# [END task]
