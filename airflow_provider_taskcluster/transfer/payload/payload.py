"""``Payload``: what ``hook.open_payload`` returns."""

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
from airflow_provider_taskcluster.transfer.download.location import Where
from airflow_provider_taskcluster.transfer.download.tally import Tally
from airflow_provider_taskcluster.transfer.payload.chunks import Chunks
from airflow_provider_taskcluster.transfer.payload.download import ANNOUNCED, Handling, PayloadDownload
from airflow_provider_taskcluster.transfer.payload.local import LocalPlace
from airflow_provider_taskcluster.transfer.payload.matching import resolve
from airflow_provider_taskcluster.transfer.payload.model import IfExists, OnError, PayloadFile, PayloadResult, Payloads
from airflow_provider_taskcluster.transfer.payload.patterns import select
from airflow_provider_taskcluster.transfer.storage_paths import is_storage_path, storage_file

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Generator, Iterable, Iterator

    from airflow_provider_taskcluster.transfer.download.artifact import ArtifactDownloader
    from airflow_provider_taskcluster.transfer.payload.destination import Place
    from airflow_provider_taskcluster.transfer.progress import Progress
    from airflow_provider_taskcluster.transfer.sink.base import Sink
    from airflow_provider_taskcluster.transfer.storage_paths import StoragePath

IfNone = Literal["fail", "succeed"]


@short_tracebacks
@dataclass(frozen=True)
class Payload:
    """The artifacts of one run, or those below one folder of names in it.

    Its list is read when it is first needed, and kept: open a payload anew to see what came since. Where ``asked_run``
    is None, all files come from the run that is the latest at that time, as far as its number may be known (scope
    ``queue:status:<taskId>``).

    :param task_id: Id of the task.
    :param asked_run: Number of the run; None is the latest.
    :param prefix: Root of the payload, such as ``public/build``.
    :param artifacts: Downloads them.
    :param on_read: Called with what is worth knowing of files that are read: how many they are and, when they were
        downloaded, their size and run, and the result.
    :param on_streamed: Called when a stream has ended, with how many files it has, how much was read, and by what each
        file was verified that was read to its end.
    :param located: Turns what a caller names as a folder into a path, or one with a file system.
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
        """Number of the run; None where it is the latest, and its number may not be known."""
        if self.asked_run is not None:
            return self.asked_run
        return self.artifacts.service.latest_run(self.task_id)

    def files(self) -> Iterator[PayloadFile]:
        """All files, page by page as they are asked for. Scope ``queue:list-artifacts:<taskId>[:<runId>]``.

        Object artifacts are listed before their upload is finished.
        """
        _ = self.run_id  # of the time before the list
        root = _root(self.prefix)
        for page in self.artifacts.service.artifact_pages(self.task_id, self.asked_run):
            for info in page:
                if info["name"].startswith(root):
                    yield _file(info, root)

    @cached_attribute
    def _listed(self) -> dict[str, PayloadFile]:
        return {file.name: file for file in self.files()}

    @cached_attribute
    def _published(self) -> bytes | None:
        """The chain of trust of the run, where it is to be used."""
        wanted = self.artifacts.config.chain_of_trust
        return self.artifacts.chain_of_trust(self.task_id, self.run_id) if wanted else None

    def resolve(self, name: str) -> str:
        """Return the stored name that a name means, relative to the root of the payload as all names in it.

        A leading ``/`` is ignored. The one that fits but for upper and lower case is taken; of several, the exact one.

        :raises AmbiguousName: Several fit, and none exactly.
        :raises NotFound: None fits.
        """
        return resolve(name, self._listed)

    def select(
        self, include: Iterable[str] | str | None = None, exclude: Iterable[str] | str | None = None
    ) -> list[PayloadFile]:
        """Return the files that names and patterns mean (see ``payload.select``).

        :param include: Names and patterns; None for all files, an empty list for none.
        :param exclude: Patterns of files to leave out.
        :raises AmbiguousName: A name is.
        :raises NotFound: A name is not there, though others are.
        """
        included = ["**"] if include is None else _patterns(include, "include")
        excluded = _patterns(exclude or (), "exclude")
        names = select(list(self._listed), included, excluded) if included else []
        return [self._listed[name] for name in names]

    def chunks(
        self, names: Iterable[str] | str | None = None, *, chunk_size: int = MIB
    ) -> Iterator[tuple[PayloadFile, bytes]]:
        """Stream files one after the other, each as one chunk or more, in order.

        Nothing is fetched before it is asked for, and no more than one chunk is held. What the store answers first is
        compared with what was announced before a chunk is given out; the last chunk of a file comes when all of it is
        verified. A store that fails for the moment is asked again, and goes on where it was.

        :param names: Names and patterns; None for all files.
        :param chunk_size: Bytes of a chunk at most.
        :raises AmbiguousName: A name is; nothing is downloaded.
        :raises NotFound: There is no such file; nothing is downloaded.
        """
        chunk_size = whole_number(chunk_size, "chunk_size", least=1)
        patterns = None if names is None else _patterns(names, "names")
        wanted = self.select(patterns)
        if patterns and not wanted:
            raise self._none(patterns, ())
        return self._streamed(wanted, chunk_size)

    def _streamed(self, files: list[PayloadFile], chunk_size: int) -> Generator[tuple[PayloadFile, bytes], None, None]:
        self.on_read({"files": len(files)})
        tally, verified = Tally(), list[str]()
        try:
            for file in files:
                chunks = Chunks(file.name, chunk_size, self._fetching(file, chunk_size, verified))
                yield from self._pulled(file, chunks, tally)
        finally:
            self.on_streamed(len(files), tally, verified)

    def _pulled(
        self, file: PayloadFile, chunks: Chunks, tally: Tally
    ) -> Generator[tuple[PayloadFile, bytes], None, None]:
        with closing(iter(chunks)) as pulled:
            while (chunk := tally.timed(lambda: next(pulled, None))) is not None:
                tally.size += len(chunk)
                yield replace(file, size=file.size if chunks.sink.size is None else chunks.sink.size), chunk
                del chunk

    def _fetching(self, file: PayloadFile, chunk_size: int, verified: list[str]) -> Callable[[Sink], object]:
        size = min(chunk_size, 64 * KIB)
        config = replace(self.artifacts.config, connections=1, buffer_size=size, digests=())
        if file.artifact == chain_of_trust.NAME:  # it does not name itself
            config = replace(config, chain_of_trust=False)
        artifacts = replace(self.artifacts, config=config, published=self._published)
        expected = Expected(file.size, file.content_type) if file.storage_type in ANNOUNCED else Expected()

        def fetch(sink: Sink) -> None:
            where = Where(self.task_id, file.artifact, self.run_id)
            verified.append(artifacts.fetch(where, artifacts.locate(where), sink, expected).verified)

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
        """Bring files into a folder, below which they have their names in the payload.

        What is there already is not fetched again, also after a run that was killed. A manifest is written beside them
        (``taskcluster-payload.json``): name, path, size, digests and by what each was verified. A link to another file
        of the payload is reported and not stored. Nothing is written outside of the folder: names that cannot be
        those of files below it are refused. One folder holds one payload.

        :param folder: A path, or an ``ObjectStoragePath``, to which files are streamed.
        :param include: Names and patterns; all files by default, none if the list is empty. ``*`` stays within a folder
            of names, ``**`` does not.
        :param exclude: Patterns of files to leave out; one without ``/`` counts in all folders.
        :param files: How many are fetched at once.
        :param connections: How many connections they share; a large file takes several where fewer files are fetched.
        :param if_none: What it means if no file is selected.
        :param if_exists: ``verify``: a file that is there is fetched if size or digest differ, or nobody knows them;
            ``overwrite``: all are fetched; ``fail``: none may be there.
        :param on_error: ``fail``: with the first file that cannot be had, an error artifact too; ``continue``: leave
            it out, and report it.
        :param on_progress: Called every few seconds, in a thread that moves bytes.
        :raises NotFound: No file is selected, or a name is not there.
        :raises AmbiguousName: A name is; nothing is downloaded.
        :raises NameRefused: A name cannot be that of a file below the folder.
        """
        _one_of(if_none, IfNone, "if_none")
        connections = whole_number(connections, "connections", least=1)
        at_once = min(whole_number(files, "files", least=1), connections)
        handling = Handling(at_once, _one_of(if_exists, IfExists, "if_exists"), _one_of(on_error, OnError, "on_error"))
        include = None if include is None else _patterns(include, "include")
        exclude = _patterns(exclude or (), "exclude")
        selected = self.select(include, exclude)
        if not selected and if_none == "fail":
            raise self._none(include, exclude)
        config = replace(
            self.artifacts.config,
            connections=connections // max(1, min(at_once, len(selected))),
            digests=("sha256",),
            on_progress=on_progress,
        )
        artifacts = replace(self.artifacts, config=config, published=self._published if selected else None)
        place = place_for(self.located(folder), durable=config.durable)
        try:
            of = Payloads(self.task_id, self.run_id, self.prefix)
            result = PayloadDownload(of, artifacts, place, handling).run(selected)
        finally:
            place.close()
        size = sum(file.size for file in result.files)
        self.on_read({"files": len(result.files), "size": size, "run_id": result.run_id}, result)
        return result

    def _none(self, include: Iterable[str] | None, exclude: Iterable[str]) -> NotFound:
        if include is not None and not include:
            return NotFound(
                "No artifact is selected, since include is an empty list: leave it out for all, or say with if_none "
                "that there may be none"
            )
        but = f" but for {', '.join(map(repr, exclude))}" if exclude else ""
        what = f"that fits {', '.join(map(repr, include))}{but}" if include else f"at all{but}"
        below = f" below {self.prefix!r}" if self.prefix else ""
        return NotFound(
            f"Task {self.task_id} has no artifact{below} {what}, of {len(self._listed)}: wait with "
            f"TaskclusterArtifactSensor, or say with if_none that there may be none"
        )


def place_for(folder: Any, *, durable: bool = True) -> Place:
    """Return the place that a folder is.

    :param durable: What is in a folder of this machine survives power loss.
    :raises InvalidInput: It is none.
    """
    if is_storage_path(folder):
        from airflow_provider_taskcluster.transfer.payload.storage import StoragePlace

        file = storage_file(folder)
        if file.immutable:
            raise InvalidInput(
                f"Cannot download a payload into {file.url}, where files are neither listed nor replaced: pass a "
                f"folder of this machine, or of a bucket; TaskclusterUploadFolderOperator makes objects of it"
            )
        return LocalPlace(file.path, durable=durable) if file.local else StoragePlace(file)
    if not (isinstance(folder, str) or hasattr(folder, "__fspath__")) or not str(folder):
        raise InvalidInput(f"Cannot download into {folder!r}: pass the path of a folder, or an ObjectStoragePath")
    return LocalPlace(folder, durable=durable)


def _root(prefix: str) -> str:
    """Return what names below a root begin with."""
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


def _patterns(given: Iterable[str] | str, what: str) -> list[str]:
    patterns = [given] if isinstance(given, str) else list(given)
    if not all(isinstance(pattern, str) and pattern for pattern in patterns):
        raise InvalidInput(f"{what} holds {patterns!r}: pass names and patterns as texts that are not empty")
    return patterns


def _one_of(value: Any, choices: Any, what: str) -> Any:
    if value not in get_args(choices):
        raise InvalidInput(f"{what} is {value!r}: pass one of {', '.join(map(repr, get_args(choices)))}")
    return value
