"""fsspec transactions: files written in a transaction are uploaded together at its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fsspec.transaction import Transaction

from airflow_provider_taskcluster.fs.errors import WriteFailed

if TYPE_CHECKING:
    from collections import deque

    from airflow_provider_taskcluster.fs.writable_file import WritableFile


class UploadTransaction(Transaction):  # type: ignore[misc]  # fsspec has no types
    """Uploads the files of a transaction, if each was written without an error and closed; else none.

    An upload that fails ends the transaction. Earlier uploads stay, since objects cannot be deleted.
    """

    files: deque[WritableFile]

    def complete(self, commit: bool = True) -> None:  # noqa: FBT001, FBT002 (fsspec's signature)
        """End the transaction.

        :param commit: Upload the files; False discards them.
        :raises WriteFailed: A file was not closed, or a write to it failed. No file is uploaded.
        """
        files = list(self.files)
        self.files.clear()
        try:
            if commit:
                for file in files:
                    _check(file)
                for file in files:
                    file.commit()
        finally:
            for file in files:
                file.discard()
            self.fs._intrans = False  # noqa: SLF001 (as in fsspec's own class)
            self.fs._transaction = None  # noqa: SLF001
            self.fs: Any = None


def _check(file: WritableFile) -> None:
    if not file.closed:
        raise WriteFailed(
            f"{file.path} was not closed before its transaction ended, so nothing of it is uploaded: close each file, "
            f"or open it in a with block",
            transient=False,
        )
    file.check()
