"""Workers: a simulated one, one that runs commands, and a command that publishes files as artifacts of a new task.

:class:`Worker` does only what a test tells it to. :class:`CommandWorker` claims the tasks of a queue and runs their
commands as processes of this user. The command is ``python -m airflow_provider_taskcluster.emulator.worker``.
"""

from .command_worker import CommandWorker
from .settings import WorkerSettings
from .simulated import OCTETS, Run, Worker, put

__all__ = ["OCTETS", "CommandWorker", "Run", "Worker", "WorkerSettings", "put"]
