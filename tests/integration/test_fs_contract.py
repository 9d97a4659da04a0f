"""fsspec's own contract tests for filesystems, as far as they apply: reading, and creating new files."""

from __future__ import annotations

from pathlib import Path

import pytest
from fsspec.implementations.local import LocalFileSystem
from fsspec.tests.abstract import AbstractFixtures, AbstractGetTests, AbstractOpenTests


class OfTaskcluster(AbstractFixtures):
    """Their trees of files are made on this machine, and published as artifacts."""

    @pytest.fixture
    def fs(self, fs):
        return fs

    @pytest.fixture
    def fs_join(self):
        return lambda *parts: "/".join(parts)

    @pytest.fixture
    def fs_path(self, run):
        return f"artifacts/{run.task_id}/latest/public"

    @pytest.fixture
    def supports_empty_directories(self):
        return False

    @pytest.fixture
    def fs_target(self, name):
        return f"objects/{name}"

    @pytest.fixture
    def publish(self, tmp_path, run, fs_path):
        def make(scenario):
            root = tmp_path / "published"
            source = Path(scenario(LocalFileSystem(auto_mkdir=True), lambda *parts: "/".join(parts), str(root)))
            for file in filter(Path.is_file, source.rglob("*")):
                run.add(f"public/{file.relative_to(root)}", file.read_bytes(), storage_type="s3")
            return f"{fs_path}/{source.name}"

        return make

    @pytest.fixture
    def fs_bulk_operations_scenario_0(self, publish):
        return publish(self._bulk_operations_scenario_0)

    @pytest.fixture
    def fs_glob_edge_cases_files(self, publish):
        return publish(self._glob_edge_cases_files)

    @pytest.fixture
    def fs_dir_and_file_with_same_name_prefix(self, publish):
        return publish(self._dir_and_file_with_same_name_prefix)

    @pytest.fixture
    def fs_10_files_with_hashed_names(self, publish):
        return publish(self._10_files_with_hashed_names)


class TestGet(OfTaskcluster, AbstractGetTests):
    """Downloads."""

    test_get_directory_recursive = None  # makes its tree by writing to folders; the others see the same


class TestOpen(OfTaskcluster, AbstractOpenTests):
    """Exclusive creation."""
