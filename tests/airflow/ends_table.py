"""Table of the ends of a task that a DAG runs: a row for each end, the same on the worker and deferred.

``docs/guides/run-task.md`` shows this table. Write it there anew:

    .venv/bin/python tests/airflow/ends_table.py
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs/guides/run-task.md"
BEGIN, END = "<!-- the table of tests/airflow/ends_table.py -->\n", "<!-- end of the table -->\n"

# What the Airflow task does.
SUCCESS, FAILS = "success", "fails at once"
NEW, SAME = "retry with a new task", "retry with the same task"
OUT_OF_TIME = "The execution_timeout"


@dataclass(frozen=True)
class Row:
    """How a task ends, and what the Airflow task does then.

    :param happens: In words.
    :param default: What the Airflow task does with the default ``retry_on``.
    :param named: What it does if ``retry_on`` names this end; None if that has no name.
    :param end: The name of the end.
    :param canceled: Whether the operator cancels the task.
    :param text: Of the error: ids as ``<id>``, the root URL as ``<root URL>``; "" where the lines of Airflow differ.
    :param modes: Where it can happen.
    """

    happens: str
    default: str
    named: str | None = None
    end: str = ""
    canceled: bool = False
    text: str = ""
    modes: tuple[str, ...] = ("worker", "deferrable")


def failed(why: str) -> str:
    return f"{why} (Run of a Taskcluster task over connection 'taskcluster_default' failed)"


def resolved(state: str, reason: str) -> str:
    log = "<root URL>/tasks/<id>/runs/0/logs/public/logs/live.log"
    return f"Task <id> did not complete: run 0 is {state} ({reason}), its log: {log}"


def exception(reason: str, default: str, more: str = "") -> Row:
    return Row(f"exception: `{reason}`{more}", default, NEW, reason, text=resolved("exception", reason))


NONE_LEFT = ", no retries of the queue left"
LEFT = ", the queue has retries left: it adds a run"
LEAVE = ', `on_kill="leave"`'
NEXT_TRY = "; the next try of this Airflow task starts a new attempt"

ROWS = {
    "completed": Row("completed", SUCCESS),
    "rerun": Row("completed, and rerun by somebody at once", SUCCESS),
    "failed": Row("failed", FAILS, NEW, "failed", text=resolved("failed", "failed")),
    "canceled": exception("canceled", FAILS, " by somebody"),
    "deadline": exception("deadline-exceeded", FAILS),
    "malformed": exception("malformed-payload", FAILS),
    "resource": exception("resource-unavailable", NEW),
    "internal": exception("internal-error", NEW),
    "claim_left": Row(f"exception: `claim-expired`{LEFT}", SUCCESS, SUCCESS, "claim-expired"),
    "claim": exception("claim-expired", NEW, NONE_LEFT),
    "shutdown_left": Row(f"exception: `worker-shutdown`{LEFT}", SUCCESS, SUCCESS, "worker-shutdown"),
    "shutdown": exception("worker-shutdown", NEW, NONE_LEFT),
    "intermittent_left": Row(f"exception: `intermittent-task`{LEFT}", SUCCESS, SUCCESS, "intermittent-task"),
    "intermittent": exception("intermittent-task", NEW, NONE_LEFT),
    "blocked": Row(
        "it will never run: a task it depends on did not complete",
        FAILS,
        text="Task <id> is unscheduled and will not run: it is blocked by task <id>, of which run 0 is failed "
        "(failed), its log: <root URL>/tasks/<id>/runs/0/logs/public/logs/live.log",
    ),
    "gone": Row("it is gone: it has expired", FAILS, text="There is no task <id>, or it has expired: check the ID"),
    "timeout": Row("`execution_timeout` is over", NEW, canceled=True),
    "timeout_left": Row(f"`execution_timeout` is over{LEAVE}", SAME),
    "killed": Row("the process of the Airflow task is ended (SIGTERM)", NEW, canceled=True, modes=("worker",)),
    "killed_left": Row(f"the process of the Airflow task is ended (SIGTERM){LEAVE}", SAME, modes=("worker",)),
}


def text_of(row: Row, does: str) -> str:
    """Return the error of the first try."""
    return failed(row.text + (NEXT_TRY if does == NEW else "")) if row.text and does != SUCCESS else ""


def render() -> str:
    """Return the table as Markdown."""
    head = ["The Taskcluster task", "default `retry_on`", "`retry_on` names this end", "the operator cancels it"]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for row in ROWS.values():
        cells = [row.happens, row.default, row.named or "", "yes" if row.canceled else "no"]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def on_the_page() -> str:
    """Return the table that the page shows."""
    return PAGE.read_text().partition(BEGIN)[2].partition(END)[0]


if __name__ == "__main__":
    before, _, rest = PAGE.read_text().partition(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}{render()}{END}{rest.partition(END)[2]}")
