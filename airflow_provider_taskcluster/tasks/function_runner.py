"""The program by which a worker runs a Python function: sent as text, for Python 3.8 or newer without any package.

The environment has the script that Airflow wrote, and the arguments. What came of the function goes to a JSON file.
"""

from __future__ import annotations

import base64
import importlib
import json
import os
import sys
import tempfile
import traceback
import types
import zlib
from pathlib import Path
from typing import Any, Dict  # noqa: UP035 (Python 3.8)

Json = Dict[str, Any]  # noqa: UP006 (Python 3.8)

# Names in the environment: of the pieces of the input, before their numbers; of the path of the outcome.
INPUT = "AIRFLOW_FUNCTION_INPUT_"
OUTCOME = "AIRFLOW_FUNCTION_OUTCOME"
JSON_SERIALIZER = "taskcluster_json"
# Characters at most.
LONGEST_MESSAGE = 4000
LONGEST_TRACEBACK = 30000
LONGEST_EXCEPTION = 64000


def take_input() -> Json:
    """Return the script, the arguments and the name of the serializer, and take them out of the environment."""
    pieces: list[str] = []
    while (name := f"{INPUT}{len(pieces)}") in os.environ:
        pieces.append(os.environ.pop(name))
    given: Json = json.loads(zlib.decompress(base64.b64decode("".join(pieces))))
    return given


def json_serializer() -> types.ModuleType:
    """Return a module that serializes as ``pickle`` does, but as JSON."""
    module = types.ModuleType(JSON_SERIALIZER)
    vars(module).update(load=json.load, dump=lambda value, file: file.write(json.dumps(value).encode()))
    return module


def run_script(given: Json, folder: Path) -> Json:
    """Run the script in a folder; return what came of it."""
    script, arguments, result = folder / "script.py", folder / "arguments", folder / "result"
    script.write_text(given["script"], encoding="utf-8")  # the traceback shows lines of it
    arguments.write_bytes(base64.b64decode(given["arguments"]))
    sys.argv = [*map(str, (script, arguments, result)), os.devnull, str(folder / "error")]
    module = sys.modules["__main__"] = types.ModuleType("__main__")
    module.__file__ = str(script)
    try:
        exec(compile(given["script"], str(script), "exec"), vars(module))  # noqa: S102 (it is made to run it)
    except (Exception, SystemExit) as error:  # noqa: BLE001 (whatever a function raises)
        return raised(error, given["serializer"])
    return {"outcome": "returned", "result": base64.b64encode(result.read_bytes()).decode() or None}


def raised(error: BaseException, serializer: str) -> Json:
    """Return what is known of an exception, and print its traceback, without the frame of this program."""
    frames = error.__traceback__ and error.__traceback__.tb_next
    text = "".join(traceback.format_exception(type(error), error, frames))
    sys.stderr.write(text)
    kinds = [kind.__name__ for kind in type(error).__mro__]
    return {
        "outcome": "skipped" if "AirflowSkipException" in kinds else "raised",
        "final": "AirflowFailException" in kinds,
        "type": type(error).__name__,
        "message": str(error)[:LONGEST_MESSAGE],
        "traceback": text[-LONGEST_TRACEBACK:],
        "exception": pickled(error.with_traceback(None), serializer),
    }


def pickled(error: BaseException, serializer: str) -> str | None:
    """Return an exception as base64; None if it cannot be serialized."""
    if serializer == JSON_SERIALIZER:
        return None
    try:
        data = base64.b64encode(importlib.import_module(serializer).dumps(error)).decode()
    except Exception:  # noqa: BLE001 (code of the function)
        return None
    return data if len(data) <= LONGEST_EXCEPTION else None


def main() -> int:
    """Run the function, and write the outcome; return the exit status."""
    given, path = take_input(), Path(os.environ.pop(OUTCOME)).absolute()
    sys.modules[JSON_SERIALIZER] = json_serializer()
    # Airflow's script would look for the supervisor of an Airflow task, which a worker does not have.
    vars(sys)["modules"]["airflow.sdk.execution_time.task_runner"] = None
    path.parent.mkdir(parents=True, exist_ok=True)
    # In the folder of the task, with which the worker removes it if the task is killed.
    with tempfile.TemporaryDirectory(prefix="run-", dir=path.parent) as folder:
        outcome = run_script(given, Path(folder))
    path.write_text(json.dumps(outcome), encoding="ascii")
    return 1 if outcome["outcome"] == "raised" else 0


if __name__ == "__main__":
    sys.exit(main())
