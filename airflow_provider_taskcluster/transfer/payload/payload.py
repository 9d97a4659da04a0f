"""``Payload``: the artifacts of a run, as ``hook.open_payload`` returns them."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, get_args

from airflow_provider_taskcluster.common.cached_attribute import cached_attribute
from airflow_provider_taskcluster.common.counts import whole_number
from airflow_provider_taskcluster.common.tracebacks import short_tracebacks
from airflow_provider_taskcluster.exceptions import InvalidInput, NotFound
from airflow_provider_taskcluster.transfer.config import CONNECTIONS, FILES, KIB, MIB
from airflow_provider_taskcluster.transfer.download import chain_of_trust
from airflow_provider_taskcluster.transfer.download.expected import Expected
from airflow_provider_taskcluster.transfer.download.location import ArtifactId
from airflow_provider_taskcluster.transfer.download.tally import Tally
from airflow_provider_taskcluster.transfer.payload.chunks import Chunks
from airflow_provider_taskcluster.transfer.payload.download import ANNOUNCED, PayloadDownload, PayloadOptions
from airflow_provider_taskcluster.transfer.payload.local import LocalDestination
from airflow_provider_taskcluster.transfer.payload.model import (
    IfExists,
    OnError,
    PayloadFile,
    PayloadKey,
    PayloadResult,
)
from airflow_provider_taskcluster.transfer.payload.name_lookup import resolve
from airflow_provider_taskcluster.transfer.payload.patterns import select
from airflow_provider_taskcluster.transfer.storage_paths import is_storage_path, storage_file

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Generator, Iterable, Iterator

    from airflow_provider_taskcluster.transfer.download.artifact import ArtifactDownloader
    from airflow_provider_taskcluster.transfer.payload.destination import PayloadDestination
    from airflow_provider_taskcluster.transfer.progress import Progress
    from airflow_provider_taskcluster.transfer.sink.base import Sink
    from airflow_provider_taskcluster.transfer.storage_paths import StoragePath

IfNone = Literal["fail", "succeed"]


@short_tracebacks
@dataclass(frozen=True)
class Payload:
    """The artifacts of one run, or those below one name prefix.

    The list is read on first use, and kept: open the payload again to see later artifacts. If ``asked_run`` is None,
    all files come from the run that is the latest on first use, provided that its number can be read (scope
    ``queue:status:<taskId>``).

    :param task_id: Id of the task.
    :param asked_run: Number of the run; None for the latest.
    :param prefix: Root of the payload, such as ``public/build``.
    :param artifacts: Downloads the artifacts.
    :param on_read: Called with details of the files that are read: their count and, after a download, their size and
        run, and the result.
    :param on_streamed: Called at the end of a stream, with the number of its files, the bytes and seconds of reading,
        and how each file was verified that was read to its end.
    :param located: Turns a folder argument into a path, or one with a file system.
    """

    task_id: str
    asked_run: int | None
    prefix: str
    artifacts: ArtifactDownloader
    on_read: Callable[..., None] = field(repr=False, compare=False)
    on_streamed: Callable[[int, Tally, list[str]], None] = field(repr=False, compare=False)
    located: Callable[[Any], Any] = field(repr=False, compare=False)

    @cached_attribute
    def run_id(self) -> int | None:
        """Number of the run; None if it is the latest, and its number cannot be read."""
        if self.asked_run is not None:
            return self.asked_run
        return self.artifacts.service.latest_run(self.task_id)

    def files(self) -> Iterator[PayloadFile]:
        """Yield all files, listed page by page as needed. Scope ``queue:list-artifacts:<taskId>[:<runId>]``.

        Object artifacts are listed before their upload is finished.
        """
        _ = self.run_id  # read before the list
        root = _root(self.prefix)
        for page in self.artifacts.service.artifact_pages(self.task_id, self.asked_run):
            for info in page:
                if info["name"].startswith(root):
                    yield _file(info, root)

    @cached_attribute
    def _listed(self) -> dict[str, PayloadFile]:
        return {file.name: file for file in self.files()}

    @cached_attribute
    def _chain_file(self) -> bytes | None:
        """The run's chain-of-trust file, if the configuration uses it."""
        wanted = self.artifacts.config.chain_of_trust
        return self.artifacts.chain_of_trust(self.task_id, self.run_id) if wanted else None

    def resolve(self, name: str) -> str:
        """Return the stored name that matches a name, both relative to the root of the payload.

        A leading ``/`` is ignored. A single case-insensitive match is taken; of several, the exact one.

        :raises AmbiguousName: Several names match, none of them exactly.
        :raises NotFound: No name matches.
        """
        return resolve(name, self._listed)

    def select(
        self, include: Iterable[str] | str | None = None, exclude: Iterable[str] | str | None = None
    ) -> list[PayloadFile]:
        """Return the files that match names and patterns (syntax: see ``download``).

        :param include: Names and patterns; None for all files, an empty list for none.
        :param exclude: Patterns of files to leave out.
        :raises AmbiguousName: Several stored names match a name, none of them exactly.
        :raises NotFound: A name is missing, though others are selected.
        """
        included = ["**"] if include is None else _patterns(include, "include")
        excluded = _patterns(exclude or (), "exclude")
        names = select(list(self._listed), included, excluded) if included else []
        return [self._listed[name] for name in names]

    def chunks(
        self, names: Iterable[str] | str | None = None, *, chunk_size: int = MIB
    ) -> Iterator[tuple[PayloadFile, bytes]]:
        """Stream files one after the other, in order; each yields at least one chunk.

        Nothing is fetched before it is requested, and at most one chunk is held. The store's first response is checked
        against the announced size and type before a chunk is yielded; the last chunk of a file follows after the whole
        is verified. After a transient failure, the transfer is resumed.

        :param names: Names and patterns; None for all files.
        :param chunk_size: Largest size of a chunk, in bytes.
        :raises AmbiguousName: Several stored names match a name, none exactly; nothing is downloaded.
        :raises NotFound: There is no such file; nothing is downloaded.
        """
        chunk_size = whole_number(chunk_size, "chunk_size", least=1)
        patterns = None if names is None else _patterns(names, "names")
        wanted = self.select(patterns)
        if patterns and not wanted:
            raise self._none_selected(patterns, ())
        return self._stream(wanted, chunk_size)

    def _stream(self, files: list[PayloadFile], chunk_size: int) -> Generator[tuple[PayloadFile, bytes], None, None]:
        self.on_read({"files": len(files)})
        tally, verified = Tally(), list[str]()
        try:
            for file in files:
                chunks = Chunks(file.name, chunk_size, self._fetcher(file, chunk_size, verified))
                yield from self._stream_file(file, chunks, tally)
        finally:
            self.on_streamed(len(files), tally, verified)

    def _stream_file(
        self, file: PayloadFile, chunks: Chunks, tally: Tally
    ) -> Generator[tuple[PayloadFile, bytes], None, None]:
        with closing(iter(chunks)) as pulled:
            while (chunk := tally.timed(lambda: next(pulled, None))) is not None:
                tally.size += len(chunk)
                yield replace(file, size=file.size if chunks.sink.size is None else chunks.sink.size), chunk
                del chunk

    def _fetcher(self, file: PayloadFile, chunk_size: int, verified: list[str]) -> Callable[[Sink], object]:
        size = min(chunk_size, 64 * KIB)
        config = replace(self.artifacts.config, connections=1, buffer_size=size, digests=())
        if file.artifact == chain_of_trust.NAME:  # it does not name itself
            config = replace(config, chain_of_trust=False)
        artifacts = replace(self.artifacts, config=config, chain_file=self._chain_file)
        expected = Expected(file.size, file.content_type) if file.storage_type in ANNOUNCED else Expected()

        def fetch(sink: Sink) -> None:
            artifact = ArtifactId(self.task_id, file.artifact, self.run_id)
            verified.append(artifacts.fetch(artifact, artifacts.locate(artifact), sink, expected).verified)

        return fetch

    def download(
        self,
        folder: str | os.PathLike[str] | StoragePath,
        *,
        include: Iterable[str] | str | None = None,
        exclude: Iterable[str] | str | None = None,
        files: int = FILES,
        connections: int = CONNECTIONS,
        if_none: IfNone = "fail",
        if_exists: IfExists = "verify",
        on_error: OnError = "fail",
        on_progress: Callable[[Progress], None] | None = None,
    ) -> PayloadResult:
        """Download files into a folder, under their names in the payload.

        Existing files are not fetched again, even after a run that was killed. A manifest is written beside the files
        (``taskcluster-payload.json``), with name, path, size and digests of each, and how it was verified. A link to
        another file of the payload is reported and not stored. Nothing is written outside of the folder: names that
        cannot be those of files below it are refused. One folder holds one payload.

        :param folder: A path, or an ``ObjectStoragePath``, to which files are streamed.
        :param include: Names and patterns; all files by default, none if the list is empty. ``*`` stays within a folder
            of names, ``**`` does not.
        :param exclude: Patterns of files to leave out; one without ``/`` counts in all folders.
        :param files: Files fetched at once.
        :param connections: Connections that they share; a large file uses several if fewer files are fetched.
        :param if_none: Whether to ``fail`` or ``succeed`` if no file is selected.
        :param if_exists: ``verify``: an existing file is fetched if its size or digest differ or are unknown;
            ``overwrite``: all files are fetched; ``fail``: no file may exist.
        :param on_error: ``fail``: raise for the first file that cannot be fetched, an error artifact included;
            ``continue``: leave it out, and report it.
        :param on_progress: Called every few seconds, in a thread that moves bytes.
        :raises NotFound: No file is selected, or a name is missing.
        :raises AmbiguousName: Several stored names match a name, none exactly; nothing is downloaded.
        :raises NameRefused: A name cannot be that of a file below the folder.
        """
        _one_of(if_none, IfNone, "if_none")
        connections = whole_number(connections, "connections", least=1)
        at_once = min(whole_number(files, "files", least=1), connections)
        if_exists, on_error = _one_of(if_exists, IfExists, "if_exists"), _one_of(on_error, OnError, "on_error")
        options = PayloadOptions(at_once, if_exists, on_error)
        include = None if include is None else _patterns(include, "include")
        exclude = _patterns(exclude or (), "exclude")
        selected = self.select(include, exclude)
        if not selected and if_none == "fail":
            raise self._none_selected(include, exclude)
        config = replace(
            self.artifacts.config,
            connections=connections // max(1, min(at_once, len(selected))),
            digests=("sha256",),
            on_progress=on_progress,
        )
        artifacts = replace(self.artifacts, config=config, chain_file=self._chain_file if selected else None)
        destination = destination_for(self.located(folder), durable=config.durable)
        try:
            key = PayloadKey(self.task_id, self.run_id, self.prefix)
            result = PayloadDownload(key, artifacts, destination, options).run(selected)
        finally:
            destination.close()
        size = sum(file.size for file in result.files)
        self.on_read({"files": len(result.files), "size": size, "run_id": result.run_id}, result)
        return result

    def _none_selected(self, include: Iterable[str] | None, exclude: Iterable[str]) -> NotFound:
        if include is not None and not include:
            return NotFound(
                "No artifact is selected, since include is an empty list: leave it out for all, or say with if_none "
                "that there may be none"
            )
        but = f" but for {', '.join(map(repr, exclude))}" if exclude else ""
        selection = f"that fits {', '.join(map(repr, include))}{but}" if include else f"at all{but}"
        below = f" below {self.prefix!r}" if self.prefix else ""
        return NotFound(
            f"Task {self.task_id} has no artifact{below} {selection}, of {len(self._listed)}: wait with "
            f"TaskclusterArtifactSensor, or say with if_none that there may be none"
        )


def destination_for(folder: Any, *, durable: bool = True) -> PayloadDestination:
    """Return the payload destination for a folder argument.

    :param durable: Whether files in a local folder survive power loss.
    :raises InvalidInput: It is no usable folder.
    """
    if is_storage_path(folder):
        from airflow_provider_taskcluster.transfer.payload.storage import StorageDestination

        file = storage_file(folder)
        if file.immutable:
            raise InvalidInput(
                f"Cannot download a payload into {file.url}, where files are neither listed nor replaced: pass a "
                f"folder of this machine, or of a bucket; TaskclusterUploadFolderOperator makes objects of it"
            )
        return LocalDestination(file.path, durable=durable) if file.local else StorageDestination(file)
    if not (isinstance(folder, str) or hasattr(folder, "__fspath__")) or not str(folder):
        raise InvalidInput(f"Cannot download into {folder!r}: pass the path of a folder, or an ObjectStoragePath")
    return LocalDestination(folder, durable=durable)


def _root(prefix: str) -> str:
    """Return the prefix of names below a root."""
    root = prefix.strip("/")
    return f"{root}/" if root else ""


def _file(info: Any, root: str) -> PayloadFile:
    return PayloadFile(
        name=info["name"][len(root) :],
        artifact=info["name"],
        size=info.get("contentLength"),
        content_type=info["contentType"],
        storage_type=info["storageType"],
        expires=info["expires"],
    )


def _patterns(value: Iterable[str] | str, argument: str) -> list[str]:
    patterns = [value] if isinstance(value, str) else list(value)
    if not all(isinstance(pattern, str) and pattern for pattern in patterns):
        raise InvalidInput(f"{argument} holds {patterns!r}: pass names and patterns as texts that are not empty")
    return patterns


def _one_of(value: Any, choices: Any, argument: str) -> Any:
    if value not in get_args(choices):
        raise InvalidInput(f"{argument} is {value!r}: pass one of {', '.join(map(repr, get_args(choices)))}")
    return value
