"""What of a function can be sent to a worker is decided from its source when the DAG is parsed."""

from __future__ import annotations

import functools
import inspect
import textwrap

import functions_to_send as functions
import pytest
from airflow.providers.common.compat.sdk import task

from airflow_provider_taskcluster.decorators.sources import check_arguments_fit, check_function, read_source
from airflow_provider_taskcluster.exceptions import InvalidInput


def checked(function):
    check_function(function)
    return read_source(function.__name__, lambda: textwrap.dedent(inspect.getsource(function)))


@pytest.mark.parametrize("function", [functions.plain, functions.unicode], ids=lambda f: f.__name__)
def test_a_function_that_uses_its_own_names_is_sent_as_it_is(function):
    assert checked(function) == inspect.getsource(function)


@pytest.mark.parametrize(
    ("function", "names"),
    [
        (functions.global_name, "LIMIT"),
        (functions.imported_at_the_top, "json"),
        (functions.used_deep_inside, "LIMIT"),
        (functions.default_value, "LIMIT"),
        (functions.decorated, "logged"),
        (functions.make_closure(), "around"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_names_of_the_file_are_refused(function, names):
    with pytest.raises(InvalidInput, match=f"{function.__name__} uses {names} of the DAG file, and only the function"):
        checked(function)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda: 1, "python_callable is <lambda>, and only a function that def defines"),
        (functools.partial(functions.plain), "python_callable is partial, and only"),
        (functions.Callable(), "python_callable is Callable, and only"),
        (len, "python_callable is len, and only"),
        ("text", "python_callable is str, and only"),
        (functions.coroutine, "coroutine is an async function"),
        (functions.async_generator, "async_generator is an async function"),
        (functions.generator, "generator is a generator: return a list"),
    ],
)
def test_what_is_no_plain_function_is_refused(function, message):
    with pytest.raises(InvalidInput, match=message):
        check_function(function)


def test_text_at_the_left_margin_of_an_inner_function_is_refused():
    with pytest.raises(InvalidInput, match=r"The source of at_the_margin cannot be read by itself \(IndentationError"):
        checked(functions.make_text_at_the_margin())


def test_a_function_without_a_file_is_refused():
    made = {}
    exec("def typed_in(): return 1", made)
    with pytest.raises(InvalidInput, match=r"The source of typed_in cannot be read by itself \(OSError"):
        checked(made["typed_in"])


def test_variables_of_airflows_context_need_a_value():
    def contextual(ti, value=1):
        return ti, value

    check_arguments_fit(contextual, ("x",), {})
    with pytest.raises(InvalidInput, match="missing a required argument: 'ti'; variables of Airflow's context are not"):
        check_arguments_fit(contextual, (), {"value": 2})


def test_airflow_takes_its_decorator_away():
    source = functions.decorated_over_lines(1).operator._source()
    assert source.startswith("def decorated_over_lines(value: int)")


@pytest.mark.parametrize(
    ("made", "name"), [(functions.decorated_between, "logged"), (functions.other_name_of_task, "t")]
)
def test_other_decorators_are_refused(made, name):
    with pytest.raises(InvalidInput, match=f"uses {name} of the DAG file"):
        made()


def test_a_variable_of_the_context_without_a_value_is_refused_when_the_dag_is_parsed():
    @task.taskcluster(task_queue_id="a/b")
    def contextual(run_id):
        return run_id

    with pytest.raises(InvalidInput, match="missing a required argument: 'run_id'"):
        contextual()
