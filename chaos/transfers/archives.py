"""Extraction of archives: no service has a part in it."""

from __future__ import annotations

import io
import tarfile
import zipfile
from typing import TYPE_CHECKING, Any

from chaos.contents import older
from chaos.ground import write

from .base import Transfer

if TYPE_CHECKING:
    from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook

SUFFIXES = (".zip", ".tar", ".tar.gz", ".tar.xz")


class ExtractArchive(Transfer):
    """An archive into a folder."""

    @property
    def archive(self) -> str:
        """Its path."""
        return str(self.ground.source / f"archive{SUFFIXES[self.plan.number % len(SUFFIXES)]}")

    def prepare(self, hook: TaskclusterHook) -> None:
        write(self.ground.destination, older(self.plan))
        self.ground.source.mkdir()
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
        hook.extract_archive(self.archive, self.ground.destination)

    def expected_files(self) -> dict[str, bytes]:
        return self.files
