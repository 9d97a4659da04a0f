"""Database of the services: one SQLite file, one connection, one writer at a time."""

from __future__ import annotations

import json
import sqlite3
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SCHEMA = """
CREATE TABLE IF NOT EXISTS secrets (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS clients (
    client_id TEXT PRIMARY KEY, access_token TEXT NOT NULL, scopes TEXT NOT NULL, details TEXT NOT NULL DEFAULT '{}');
CREATE TABLE IF NOT EXISTS roles (
    role_id TEXT PRIMARY KEY, scopes TEXT NOT NULL, details TEXT NOT NULL DEFAULT '{}');
CREATE TABLE IF NOT EXISTS objects (
    name TEXT PRIMARY KEY, project_id TEXT NOT NULL, upload_id TEXT UNIQUE, hashes TEXT NOT NULL,
    expires INTEGER NOT NULL, swept INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS blobs (
    path TEXT PRIMARY KEY, content_type TEXT, content_encoding TEXT, content_disposition TEXT);
CREATE TABLE IF NOT EXISTS tasks (
    task_id TEXT PRIMARY KEY, task_queue_id TEXT NOT NULL, task_group_id TEXT NOT NULL, state TEXT NOT NULL,
    rank INTEGER NOT NULL, scheduled INTEGER NOT NULL, due INTEGER, definition TEXT NOT NULL, status TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS tasks_by_queue ON tasks (task_queue_id, state, rank, scheduled);
CREATE INDEX IF NOT EXISTS tasks_by_group ON tasks (task_group_id, task_id);
CREATE INDEX IF NOT EXISTS tasks_by_due ON tasks (due) WHERE due IS NOT NULL;
CREATE TABLE IF NOT EXISTS task_groups (
    task_group_id TEXT PRIMARY KEY, scheduler_id TEXT NOT NULL, expires INTEGER NOT NULL, sealed INTEGER);
CREATE TABLE IF NOT EXISTS requirements (
    task_id TEXT NOT NULL, required_task_id TEXT NOT NULL, requires TEXT NOT NULL,
    PRIMARY KEY (task_id, required_task_id));
CREATE TABLE IF NOT EXISTS releases (task_id TEXT PRIMARY KEY, due INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS requirements_by_required ON requirements (required_task_id);
CREATE TABLE IF NOT EXISTS artifacts (
    task_id TEXT NOT NULL, run_id INTEGER NOT NULL, name TEXT NOT NULL, storage_type TEXT NOT NULL,
    content_type TEXT NOT NULL, content_length INTEGER, expires INTEGER NOT NULL, present INTEGER NOT NULL,
    details TEXT NOT NULL, PRIMARY KEY (task_id, run_id, name));
CREATE TABLE IF NOT EXISTS indexed_tasks (
    path TEXT PRIMARY KEY, parent TEXT NOT NULL, task_id TEXT NOT NULL, rank NUMERIC NOT NULL, data TEXT NOT NULL,
    expires INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS indexed_tasks_by_parent ON indexed_tasks (parent, path);
CREATE TABLE IF NOT EXISTS namespaces (path TEXT PRIMARY KEY, parent TEXT NOT NULL, expires INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS namespaces_by_parent ON namespaces (parent, path);
CREATE TABLE IF NOT EXISTS purge_requests (
    worker_pool_id TEXT NOT NULL, cache_name TEXT NOT NULL, before INTEGER NOT NULL, expires INTEGER NOT NULL,
    PRIMARY KEY (worker_pool_id, cache_name));
CREATE TABLE IF NOT EXISTS denylist (kind TEXT NOT NULL, address TEXT NOT NULL, PRIMARY KEY (kind, address));
CREATE TABLE IF NOT EXISTS hooks (
    hook_group_id TEXT NOT NULL, hook_id TEXT NOT NULL, definition TEXT NOT NULL, token TEXT NOT NULL,
    PRIMARY KEY (hook_group_id, hook_id));
CREATE TABLE IF NOT EXISTS last_fires (
    hook_group_id TEXT NOT NULL, hook_id TEXT NOT NULL, task_id TEXT NOT NULL, fired_by TEXT NOT NULL,
    created INTEGER NOT NULL, result TEXT NOT NULL, error TEXT NOT NULL,
    PRIMARY KEY (hook_group_id, hook_id, task_id));
CREATE TABLE IF NOT EXISTS stored_secrets (name TEXT PRIMARY KEY, secret TEXT NOT NULL, expires INTEGER NOT NULL);
"""

Row = sqlite3.Row


class Database:
    """SQLite database; :func:`pack` and :func:`unpack` write and read its JSON columns.

    One thread serves requests and tests call from others, so every use takes the lock. Nothing is synced to
    the disk: the state survives the process, but not a power loss.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.RLock()
        _make_private(path)
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = OFF")
        self._connection.executescript(SCHEMA)
        for table in ("clients", "roles"):  # of a state from before these had details
            if "details" not in {row["name"] for row in self.all(f"PRAGMA table_info({table})")}:
                self.execute(f"ALTER TABLE {table} ADD COLUMN details TEXT NOT NULL DEFAULT '{{}}'")

    def close(self) -> None:
        """Close the file; the database cannot be used afterwards."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Run a block as a transaction, rolled back on any exception; a nested block joins the outer transaction."""
        with self._lock:
            if self._connection.in_transaction:
                yield
                return
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def execute(self, sql: str, *parameters: Any) -> int:
        """Run one statement and return the number of rows it changed."""
        with self._lock:
            return self._connection.execute(sql, parameters).rowcount

    def all(self, sql: str, *parameters: Any) -> list[Row]:
        """Return all rows of a query."""
        with self._lock:
            return self._connection.execute(sql, parameters).fetchall()

    def one(self, sql: str, *parameters: Any) -> Row | None:
        """Return the first row of a query, or None."""
        with self._lock:
            row: Row | None = self._connection.execute(sql, parameters).fetchone()
            return row


def _make_private(path: Path) -> None:
    """Make the file readable for its owner alone, since it holds access tokens; SQLite's other files inherit this."""
    path.touch(mode=0o600)
    for file in (path, *(path.with_name(path.name + end) for end in ("-wal", "-shm"))):
        if file.exists():
            file.chmod(0o600)


def pack(value: object) -> str:
    """Write a value as the text of a JSON column."""
    return json.dumps(value, separators=(",", ":"), sort_keys=True)


def unpack(text: str) -> Any:
    """Read a value that :func:`pack` wrote."""
    return json.loads(text)
