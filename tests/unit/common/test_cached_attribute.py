"""Attributes that an object creates on first use."""

from __future__ import annotations

import threading

import pytest

from airflow_provider_taskcluster.common.cached_attribute import cached_attribute


class Owner:
    def __init__(self, make):
        self.make = make

    @cached_attribute
    def made(self):
        """Say what it is."""
        return self.make()


def test_it_is_made_once():
    owner = Owner(object)
    assert owner.made is owner.made
    assert vars(owner)["made"] is owner.made
    assert Owner.made.__doc__ == "Say what it is."


def test_an_object_whose_value_takes_long_holds_up_no_other():
    begun, go = threading.Event(), threading.Event()

    def slowly():
        begun.set()
        go.wait()

    slow = Owner(slowly)
    thread = threading.Thread(target=lambda: slow.made)
    thread.start()
    begun.wait()
    answers = []
    other = threading.Thread(target=lambda: answers.append(Owner(lambda: 1).made))
    other.start()
    other.join(5)
    go.set()
    thread.join()
    assert answers == [1]


def test_threads_that_ask_at_once_get_the_same():
    both = threading.Barrier(2)

    def make():
        both.wait()
        return object()

    owner, got = Owner(make), []
    threads = [threading.Thread(target=lambda: got.append(owner.made)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got[0] is got[1] is owner.made


def test_an_error_is_not_kept():
    tries = iter([ValueError("not yet"), None])

    def make():
        if error := next(tries):
            raise error
        return "made"

    owner = Owner(make)
    with pytest.raises(ValueError, match="not yet"):
        _ = owner.made
    assert owner.made == "made"
