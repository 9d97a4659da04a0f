"""Both hooks: for functions and for coroutines."""

from airflow_provider_taskcluster.hooks.asynchronous import TaskclusterAsyncHook
from airflow_provider_taskcluster.hooks.synchronous import TaskclusterHook

__all__ = ["TaskclusterAsyncHook", "TaskclusterHook"]
