"""A path with a file system of fsspec, as ``ObjectStoragePath`` and ``UPath`` are."""

from __future__ import annotations


class Place:
    def __init__(self, fs, path):
        self._fs = fs
        self._path = path

    @property
    def fs(self):
        return self._fs

    @property
    def path(self):
        return self._path

    def __str__(self):
        return f"bucket://{self.path}"
