"""Table of the ends of a wait: a row for each event, an end for each flag, the same in all modes.

``docs/concepts/waiting.md`` shows this table. Write it there anew:

    .venv/bin/python tests/airflow/waits_table.py
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs/concepts/waiting.md"
BEGIN, END = "<!-- the table of tests/airflow/waits_table.py -->\n", "<!-- end of the table -->\n"

FLAGS = ("", "soft_fail", "silent_fail", "never_fail")
SUCCESS, SKIPPED = "success", "skipped"
FINAL, TIMED_OUT, OUT_OF_TIME = "AirflowFailException", "AirflowSensorTimeout", "AirflowTaskTimeout"
BROKEN = "WaitFailed"

# How a wait ends without a flag, and with each of them.
SUCCEEDS = (SUCCESS,) * 4
DID_NOT_COME = (FINAL, SKIPPED, FINAL, SKIPPED)
TO_BE_CORRECTED = (FINAL, FINAL, FINAL, SKIPPED)
NOT_IN_TIME = (TIMED_OUT, SKIPPED, TIMED_OUT, SKIPPED)


@dataclass(frozen=True)
class Row:
    """An event during a wait, and its ends.

    :param happens: In words.
    :param ends: How it ends, for each of ``FLAGS``: ``success``, ``skipped``, or the error with which the task fails.
    :param text: Of the error: ids as ``<id>``, the root URL as ``<root URL>``.
    :param modes: Where it can happen.
    :param silent_text: Of the error under ``silent_fail``, if that is another.
    :param never_text: The reason of the skip under ``never_fail``, if that is another.
    """

    happens: str
    ends: tuple[str, str, str, str]
    text: str = ""
    modes: tuple[str, ...] = ("poke", "reschedule", "deferrable")
    silent_text: str = ""
    never_text: str = ""

    def text_with(self, flag: str) -> str:
        """Return the text of the error under a flag."""
        if self.ends[FLAGS.index(flag)] == SKIPPED and (flag, self.ends[0]) != ("soft_fail", TIMED_OUT):
            return f"Skipping due to {flag} is set to True: {(flag == 'never_fail' and self.never_text) or self.text}"
        return (flag == "silent_fail" and self.silent_text) or self.text


def failed(why: str) -> str:
    return f"{why} (The wait over connection 'tc' failed)"


def timed_out(last_look: str) -> str:
    return (
        "Sensor has timed out: what it waits for has not come within 0.3 seconds. The last look over connection 'tc': "
        f"{last_look}"
    )


MORE_TIME = "; if it may still come, give the sensor a longer timeout"
NO_TASK = "There is no task at waits.table.none in the index"
LOG = "<root URL>/tasks/<id>/runs/0/logs/public/logs/live.log"
BLOCKED = f"it is blocked by task <id>, of which run 0 is failed (failed), its log: {LOG}"
CHECK_BROKE = "KeyError: 'length' (waits_world.py, line <n>)"
CRASHED = "RuntimeError: boom (waits_world.py, line <n>)"
NO_SCOPE = (
    "queue.status '<id>' at <root URL> failed (403 InsufficientScopes): scopes are missing; the call carried no "
    "credentials: set client ID and access token of a client that holds the scope queue:status:<id>"
)

ROWS = {
    "there": Row("It is there", SUCCEEDS),
    "comes": Row("It comes later", SUCCEEDS),
    "never": Row(
        "It can no longer come",
        DID_NOT_COME,
        failed(f"Task <id> is not completed and will not be: run 0 is failed (failed), its log: {LOG}"),
    ),
    "blocked": Row(
        "The task is blocked by one that failed",
        DID_NOT_COME,
        failed(f"Task <id> is not completed and will not be: {BLOCKED}"),
    ),
    "blocked_artifact": Row(
        "The task of the artifact is blocked",
        DID_NOT_COME,
        failed(f"Task <id> has no artifact 'public/a', and will not: {BLOCKED}"),
    ),
    "blocked_group": Row(
        "A task of the group is blocked",
        DID_NOT_COME,
        failed(f"Task <id> is not completed and will not be: {BLOCKED}"),
    ),
    "error": Row(
        "The task published an error in its place",
        DID_NOT_COME,
        failed(
            "Artifact 'public/a' of task <id> will not come: the task published an error in its place "
            f"(<reason>: no such file); run 0 is running (no reason), its log: {LOG}"
        ),
    ),
    "other": Row(
        "The object has other content",
        DID_NOT_COME,
        failed("Object 'waits/<id>' is finished with the sha256 <sum>, not <sum>: somebody uploaded other content"),
    ),
    "timeout": Row("`timeout` is over", NOT_IN_TIME, timed_out(NO_TASK + MORE_TIME)),
    "silence": Row(
        "No service answers until `timeout` is over",
        NOT_IN_TIME,
        timed_out(
            "index.findTask 'waits.table.none' got no answer from http://127.0.0.1:1: Connection refused; is it up, "
            "and reachable?"
        ),
    ),
    "connection": Row(
        "The connection cannot work",
        TO_BE_CORRECTED,
        failed("Connection 'tc': the root URL has no scheme; write 'https://127.0.0.1:1'"),
    ),
    "credentials": Row(
        "Credentials are refused",
        TO_BE_CORRECTED,
        failed(
            "index.findTask 'waits.table.none' at <root URL> failed (401 AuthenticationFailed): Unauthorized: Bad mac; "
            "check client ID and access token of client 'emulator/root'"
        ),
    ),
    "scope": Row("A scope is missing", TO_BE_CORRECTED, failed(NO_SCOPE)),
    "scope_later": Row("A scope is taken away meanwhile", TO_BE_CORRECTED, failed(NO_SCOPE)),
    "input": Row(
        "An argument is invalid, maybe by its template",
        TO_BE_CORRECTED,
        failed("'not-an-id' is not a task ID: those have 22 characters, such as <id>"),
    ),
    "check": Row(
        "`check_fn` raises `KeyError`",
        ("KeyError", "KeyError", TIMED_OUT, SKIPPED),
        "'length'",
        silent_text=timed_out(CHECK_BROKE),
        never_text=CHECK_BROKE,
    ),
    "crash": Row(
        "The trigger crashes",
        (BROKEN, BROKEN, TIMED_OUT, SKIPPED),
        f"The wait in the triggerer broke down: {failed(CRASHED)}; see the log of the triggerer",
        modes=("deferrable",),
        silent_text=timed_out(
            f"The wait in the triggerer broke down: {CRASHED} (The wait failed); see the log of the triggerer"
        ),
    ),
    "execution_timeout": Row(
        "`execution_timeout` is over",
        (OUT_OF_TIME, SKIPPED, OUT_OF_TIME, SKIPPED),
        "The execution_timeout of 2.6 seconds is over, and the wait is not. The last look over connection 'tc': "
        f"{NO_TASK}",
        modes=("poke", "deferrable"),
    ),
}


def render() -> str:
    """Return the table as Markdown."""
    head = ["What happens", "no flag", *(f"`{flag}`" for flag in FLAGS[1:])]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    lines += ["| " + " | ".join([_happens(row), *map(_cell, row.ends)]) + " |" for row in ROWS.values()]
    return "\n".join(lines) + "\n"


def on_the_page() -> str:
    """Return the table that the page shows."""
    return PAGE.read_text().partition(BEGIN)[2].partition(END)[0]


def _happens(row: Row) -> str:
    return row.happens if len(row.modes) == 3 else f"{row.happens} ({', '.join(row.modes)})"


def _cell(end: str) -> str:
    return end if end in {SUCCESS, SKIPPED} else f"`{end}`"


if __name__ == "__main__":
    before, _, rest = PAGE.read_text().partition(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}{render()}{END}{rest.partition(END)[2]}")
