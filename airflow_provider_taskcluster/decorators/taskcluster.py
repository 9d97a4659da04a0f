"""``@task.taskcluster``: runs a Python function as a Taskcluster task."""

from __future__ import annotations

import tempfile
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.providers.common.compat.sdk import (
    AirflowFailException,
    AirflowSkipException,
    DecoratedOperator,
    task_decorator_factory,
)

from airflow_provider_taskcluster.common.arguments import as_texts, flag, is_omitted, text
from airflow_provider_taskcluster.common.checks import at_least, one_of
from airflow_provider_taskcluster.common.messages import visible
from airflow_provider_taskcluster.decorators.serializers import Serializer, serialized, serializer_module
from airflow_provider_taskcluster.decorators.sources import check_arguments_fit, check_function, read_source
from airflow_provider_taskcluster.exceptions import (
    ArtifactError,
    InsufficientScopes,
    InvalidInput,
    NotAsAnnounced,
    NotFound,
    TooLarge,
)
from airflow_provider_taskcluster.operators.definition_fields import optional_mapping, read_payload
from airflow_provider_taskcluster.operators.run_task import TaskclusterRunTaskOperator
from airflow_provider_taskcluster.tasks.ends import RETRIED_BY_DEFAULT, end_of
from airflow_provider_taskcluster.tasks.payload_fields import run_time

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from airflow.providers.common.compat.sdk import Context, TaskDecorator

    from airflow_provider_taskcluster.services.schemas import Json, TaskRun
    from airflow_provider_taskcluster.tasks.function_outcome import FunctionOutcome

FAILED = "failed"
MAX_RESULT_BYTES = 1024 * 1024


def _as_airflow(render: Callable[..., Any], template: Any, *arguments: Any, **options: Any) -> Any:
    """Render the arguments of a function as Airflow does: with ``render_template_as_native_obj`` to any type."""
    if type(template) is dict:
        return {key: _as_airflow(render, value, *arguments, **options) for key, value in template.items()}
    if type(template) in {list, tuple}:
        return type(template)(_as_airflow(render, value, *arguments, **options) for value in template)
    return render(template, *arguments, **options)


def _no_result_artifact(value: Any, argument: str) -> None:
    if not is_omitted(value):
        raise InvalidInput(f"{argument} is {value!r}, and the result is what the function returns: leave it out")


class _TaskclusterDecoratedOperator(DecoratedOperator, TaskclusterRunTaskOperator):
    """Run a Python function as a Taskcluster task, and return what it returns."""

    custom_operator_name = "@task.taskcluster"
    template_fields: Sequence[str] = (
        *TaskclusterRunTaskOperator.template_fields,
        *("image", "python_command", "op_args", "op_kwargs"),
    )
    template_fields_renderers: ClassVar = {
        **TaskclusterRunTaskOperator.template_fields_renderers,
        **DecoratedOperator.template_fields_renderers,
    }
    json_fields: ClassVar = {
        **TaskclusterRunTaskOperator.json_fields,
        "image": as_texts,
        "op_args": _as_airflow,
        "op_kwargs": _as_airflow,
    }
    checks: ClassVar = {
        "python_callable": check_function,
        "python_command": text,
        "serializer": one_of(Serializer),
        "expect_airflow": flag,
        "max_run_time": run_time,
        "max_result_bytes": at_least(1),
        "result_artifact": _no_result_artifact,
    }
    action = "Run of a Python function on Taskcluster"

    def __init__(
        self,
        *,
        max_run_time: int | timedelta = timedelta(hours=1),
        image: str | Mapping[str, str] | None = None,
        python_command: str = "python3",
        serializer: Serializer = "pickle",
        expect_airflow: bool = False,
        max_result_bytes: int = MAX_RESULT_BYTES,
        retry_on: str | Sequence[str] = (*RETRIED_BY_DEFAULT, FAILED),
        **kwargs: Any,
    ) -> None:
        self.max_run_time = max_run_time
        self.image = image
        self.python_command = python_command
        self.serializer = serializer
        self.expect_airflow = expect_airflow
        self.max_result_bytes = max_result_bytes
        super().__init__(retry_on=retry_on, **kwargs)
        self._source()
        if not kwargs.get("_airflow_mapped_validation_only"):
            check_arguments_fit(self.python_callable, self.op_args, self.op_kwargs)

    @classmethod
    def check_together(cls, task_id: str, **given: Any) -> None:
        """See the base class."""
        definition = given["definition"]
        if is_omitted(given["task_queue_id"]) and is_omitted(definition):
            raise InvalidInput(f"Task {task_id!r} needs workers to run its function: give task_queue_id")
        if "payload" in (optional_mapping(definition, "definition") or {}):
            raise InvalidInput(f"Task {task_id!r}: definition has a payload, which the function decides: use payload")
        some: Json = {} if not is_omitted(given["payload_file"]) else {"payload": {"command": []}}
        super().check_together(task_id, **{**given, **some})

    def _source(self) -> str:
        return read_source(self.python_callable.__name__, self.get_python_source)

    def _payload(self) -> Json:
        """See the base class."""
        from airflow_provider_taskcluster.tasks import function_runner
        from airflow_provider_taskcluster.tasks.function_payload import FunctionInput, function_payload

        arguments = serialized(self.serializer, self.op_args, self.op_kwargs)
        library = serializer_module(self.serializer).__name__
        return function_payload(
            FunctionInput(self._script(library), arguments, library),
            read_payload(self.payload, self.payload_file) or {},
            python_command=text(self.python_command, "python_command"),
            max_run_time=self.max_run_time,
            image=None if is_omitted(self.image) else self.image,
            source=Path(function_runner.__file__).read_text(encoding="utf-8"),
        )

    def _script(self, library: str) -> str:
        """Return the program that Airflow writes around the source of a function."""
        from airflow.providers.common.compat.standard.utils import write_python_script

        values = {
            "op_args": self.op_args,
            "op_kwargs": self.op_kwargs,
            "pickling_library": library,
            "python_callable": self.python_callable.__name__,
            "python_callable_source": self._source(),
            "expect_airflow": self.expect_airflow,
            "string_args_global": False,
        }
        with tempfile.TemporaryDirectory(prefix="airflow-function-") as folder:
            script = Path(folder, "script.py")
            write_python_script(jinja_context=values, filename=str(script))
            return script.read_text(encoding="utf-8")

    def _result(self, context: Context, task_id: str, run: TaskRun) -> Any:
        """Return what the function returned."""
        super()._result(context, task_id, run)
        try:
            outcome = self._outcome(task_id, run)
        except (NotFound, ArtifactError) as error:
            raise NotAsAnnounced(
                f"Task {task_id} completed without an outcome of its function ({error}): did it end Python by itself?"
            ) from None
        if outcome.outcome == "skipped":
            raise AirflowSkipException(visible(outcome.reason))
        return outcome.value(self._loads())

    def _failure(self, context: Context, task_id: str, run: TaskRun, message: str) -> Exception:
        """Return what the function raised, if that is why the task failed."""
        usual = super()._failure(context, task_id, run, message)
        if end_of(run) != FAILED:
            return usual
        try:
            outcome = self._outcome(task_id, run)
        except (NotFound, ArtifactError):  # the worker ended it: out of time or memory
            return usual
        except (InsufficientScopes, NotAsAnnounced, TooLarge) as error:
            self.log.warning("What the function raised cannot be read: %s", visible(error))
            return usual
        if outcome.outcome != "raised":
            return usual
        remote = outcome.error(self._loads())
        if FAILED in self._retried_ends(context) and not outcome.final:
            return remote
        final = AirflowFailException(visible(f"{outcome.what} raised {outcome.reason}"))
        final.__cause__ = remote
        return final

    def _outcome(self, task_id: str, run: TaskRun) -> FunctionOutcome:
        from airflow_provider_taskcluster.tasks.function_outcome import LARGEST_EXCEPTION, read_outcome
        from airflow_provider_taskcluster.tasks.function_payload import OUTCOME_ARTIFACT

        what = f"Function {self.python_callable.__name__} in task {task_id}"
        most = self.max_result_bytes * 4 // 3 + LARGEST_EXCEPTION  # base64
        try:
            return read_outcome(self.hook.read_artifact(task_id, OUTCOME_ARTIFACT, run["runId"], max_bytes=most), what)
        except TooLarge:
            raise TooLarge(
                f"{what} returned more than max_result_bytes, {self.max_result_bytes}: upload it, and return its name"
            ) from None

    def _loads(self) -> Callable[[bytes], Any]:
        loads: Callable[[bytes], Any] = serializer_module(self.serializer).loads
        return loads


def taskcluster_task(
    python_callable: Callable[..., Any] | None = None,
    multiple_outputs: bool | None = None,  # noqa: FBT001 (as Airflow's own)
    **kwargs: Any,
) -> TaskDecorator:
    """Decorate a Python function so that Airflow runs it as a Taskcluster task; in DAG files ``@task.taskcluster``.

    The source of the function and its arguments go to a worker, whose Python runs it. The function's result becomes
    the XCom of the Airflow task, and an exception that it raises is raised in Airflow, with the traceback of the worker
    as a note. ``AirflowSkipException`` skips the Airflow task. Only the function itself is sent: what it uses is
    imported inside it. Whoever can read the task's definition can read its source and arguments.

    All other arguments are those of ``TaskclusterRunTaskOperator``, such as ``task_queue_id``, but for
    ``result_artifact``. ``payload`` has further fields of the payload, such as ``features``, ``env`` or ``mounts``, and
    ``retry_on`` has ``failed``, too, by default: so Airflow's retries run a function again that has raised.

    Scopes as ``TaskclusterRunTaskOperator``, and ``queue:get-artifact:private/airflow/outcome.json``.

    :param python_callable: The function, which ``def`` defines in a file.
    :param multiple_outputs: Whether each key of a returned dict becomes an XCom of its own.
    :param max_run_time: Seconds, or a timedelta, after which the worker ends the task as failed; an hour by default.
    :param image: Image of docker-worker, as for ``docker_worker_payload`` (templated). None is for generic-worker.
    :param python_command: Name or path of Python 3.8 or newer on the worker (templated).
    :param serializer: How arguments, results and exceptions travel: ``pickle``, ``cloudpickle`` or ``dill``, which both
        sides need; or ``json``, with which Airflow unpickles nothing that the task wrote.
    :param expect_airflow: Whether Airflow is installed on the worker: then the macros of its plugins are loaded.
    :param max_result_bytes: Size of the serialized result at most; 1 MiB by default.
    :raises InvalidInput: The function or an argument is invalid, when the DAG is parsed.
    """
    return task_decorator_factory(
        python_callable=python_callable,
        multiple_outputs=multiple_outputs,
        decorated_operator_class=_TaskclusterDecoratedOperator,
        **kwargs,
    )
