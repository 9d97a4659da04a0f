"""Simulated worker, and a command that runs it (``python -m airflow_provider_taskcluster.emulator.worker``)."""

from .simulated import OCTETS, Run, Worker, put

__all__ = ["OCTETS", "Run", "Worker", "put"]
