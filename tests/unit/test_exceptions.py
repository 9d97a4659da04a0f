from __future__ import annotations

import inspect
import pickle
import re

import pytest
from airflow.providers.common.compat.sdk import AirflowException

from airflow_provider_taskcluster import exceptions
from airflow_provider_taskcluster.exceptions import ArtifactError, ServiceError, StoreError, TaskclusterError

CLASSES = [c for c in vars(exceptions).values() if inspect.isclass(c) and c.__module__ == exceptions.__name__]
FACTS = {
    "status": 418,
    "code": "Teapot",
    "retry_after": 2.5,
    "reason": "file-missing",
    "transient": True,
    "content_range": "bytes */7",
    "candidates": ("a", "A"),
}


def with_all_facts(cls):
    """An error of this class that says everything it can say."""
    keywords = inspect.getfullargspec(cls.__init__).kwonlyargs if inspect.isfunction(cls.__init__) else []
    return cls("what, and the next step", **{name: FACTS[name] for name in keywords})


@pytest.mark.parametrize("cls", CLASSES)
def test_an_error_survives_pickling_with_its_facts(cls):
    error = with_all_facts(cls)
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is cls
    assert str(back) == "what, and the next step"
    assert back.transient is error.transient
    assert vars(back) == vars(error)


def test_a_fact_learnt_later_survives_pickling_too():
    error = StoreError("403", status=403)
    error.transient = True
    assert pickle.loads(pickle.dumps(error)).transient


@pytest.mark.parametrize("cls", CLASSES)
def test_every_error_is_ours_and_airflows(cls):
    assert issubclass(cls, TaskclusterError)
    assert issubclass(cls, AirflowException)


def drawn_tree() -> list[tuple[str, str]]:
    """(class, its base) of each line in the docstring's drawing."""
    found, path = [], []
    for line in exceptions.__doc__.splitlines():
        if match := re.match(r"    ((?:[│├└─ ]{4})*)(\w+)  ", line):
            depth = len(match[1]) // 4
            path[depth:] = [match[2]]
            found.append((match[2], path[depth - 1] if depth else "AirflowException"))
    return found


def test_the_tree_drawn_at_the_head_of_the_file_is_the_real_one():
    real = [(c.__name__, c.__base__.__name__) for c in CLASSES]
    assert sorted(drawn_tree()) == sorted(real)


@pytest.mark.parametrize("cls", CLASSES)
def test_the_drawing_marks_what_is_transient(cls):
    line = next(line for line in exceptions.__doc__.splitlines() if re.search(rf"[ ─]{cls.__name__}  ", line))
    assert line.endswith("(transient)") is cls("sentence").transient


def test_a_service_error_without_an_answer_has_no_facts():
    error = ServiceError("no")
    assert (error.status, error.code, error.retry_after) == (0, "", None)


@pytest.mark.parametrize("cls", CLASSES)
def test_an_error_is_one_line_of_bounded_length_whatever_it_quotes(cls):
    error = cls("a\nb\x1b[31m\u202e" + "c" * 100_000)
    assert str(error).startswith(r"a\nb\x1b[31m\u202eccc")
    assert str(error).isprintable()
    assert len(str(error)) < 5000
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_so_are_the_words_that_services_and_tasks_have_for_it():
    words = "a\nb" + "c" * 1000
    for word in (
        ServiceError("", code=words).code,
        StoreError("", code=words).code,
        ArtifactError("", reason=words).reason,
    ):
        assert word.startswith(r"a\nbcc")
        assert len(word) < 120
