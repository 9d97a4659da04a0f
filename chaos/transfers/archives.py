"""Extraction of archives, which uses no service."""

from __future__ import annotations

import io
import tarfile
import zipfile
from typing import TYPE_CHECKING, Any

from chaos.contents import older
from chaos.workspace import write

from .base import Transfer

if TYPE_CHECKING:
    from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook

SUFFIXES = (".zip", ".tar", ".tar.gz", ".tar.xz")


class ExtractArchive(Transfer):
    """Extraction of an archive into a folder."""

    @property
    def archive(self) -> str:
        """Path of the archive."""
        return str(self.workspace.source / f"archive{SUFFIXES[self.plan.number % len(SUFFIXES)]}")

    def prepare(self, hook: TaskclusterHook) -> None:
        write(self.workspace.destination, older(self.plan))
        self.workspace.source.mkdir()
        if self.archive.endswith(".zip"):
            with zipfile.ZipFile(self.archive, "w", zipfile.ZIP_DEFLATED) as zipped:
                for name, content in self.files.items():
                    zipped.writestr(name, content)
            return
        mode: Any = "w:" + self.archive.rpartition(".tar")[2].removeprefix(".")
        with tarfile.open(self.archive, mode) as tar:
            for name, content in self.files.items():
                member = tarfile.TarInfo(name)
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))

    def move(self, hook: TaskclusterHook) -> None:
        hook.extract_archive(self.archive, self.workspace.destination)

    def expected_files(self) -> dict[str, bytes]:
        return self.files
