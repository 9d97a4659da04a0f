"""Public types: results, and types for annotations and arguments.

Everything else but operators, sensors, triggers, hooks, links, assets, fs, exceptions, payloads of tasks and the
emulator is internal, and may change in any release (docs/reference/public-api.md).
"""

from airflow_provider_taskcluster.common.network import Network
from airflow_provider_taskcluster.common.retry import RetryPolicy
from airflow_provider_taskcluster.connection.settings import ConnectionSettings
from airflow_provider_taskcluster.hooks.json_calls import Service
from airflow_provider_taskcluster.services.client import Client
from airflow_provider_taskcluster.services.credentials import Credentials, TemporaryCredentials
from airflow_provider_taskcluster.services.schemas import (
    ArtifactInfo,
    CanceledTaskGroup,
    HookFire,
    IndexedTask,
    ObjectMetadata,
    PurgeRequest,
    PurgeRequestPage,
    TaskGroupInfo,
    TaskRun,
    TaskStatus,
)
from airflow_provider_taskcluster.tasks.ran_task import RanTask
from airflow_provider_taskcluster.transfer.archive.extract import Extracted
from airflow_provider_taskcluster.transfer.download.random_access import RandomAccess
from airflow_provider_taskcluster.transfer.download.references import AllowReference
from airflow_provider_taskcluster.transfer.download.stored_file import StoredFile
from airflow_provider_taskcluster.transfer.model import (
    ErrorReason,
    ExtractedFiles,
    Json,
    Published,
    StandIn,
    StorageType,
    Transferred,
    TransferResult,
    UploadedFolder,
    Verification,
)
from airflow_provider_taskcluster.transfer.payload.model import (
    ExtractedArchives,
    OnError,
    PayloadFile,
    PayloadResult,
    PayloadSummary,
    ShownFile,
    Stored,
)
from airflow_provider_taskcluster.transfer.payload.payload import IfNone, Payload
from airflow_provider_taskcluster.transfer.progress import Progress
from airflow_provider_taskcluster.transfer.sink.base import MemorySink, Sink, Writer
from airflow_provider_taskcluster.transfer.sink.factory import Destination
from airflow_provider_taskcluster.transfer.source.base import Source
from airflow_provider_taskcluster.transfer.source.factory import Uploadable
from airflow_provider_taskcluster.transfer.source.reading import Reader
from airflow_provider_taskcluster.transfer.upload.conflict import IfExists
from airflow_provider_taskcluster.transfer.upload.parts import Multipart, PartSize
from airflow_provider_taskcluster.transfer.upload.recorder import DirectoryRecorder, Recorder, StateStoreRecorder
from airflow_provider_taskcluster.waits.conditions.artifacts import ArtifactWait
from airflow_provider_taskcluster.waits.conditions.index import IndexWait
from airflow_provider_taskcluster.waits.conditions.objects import ObjectWait
from airflow_provider_taskcluster.waits.conditions.tasks import TaskGroupWait, TaskWait
from airflow_provider_taskcluster.waits.protocol import Found, NotYet, Over, Verdict, Wait
from airflow_provider_taskcluster.waits.results import (
    FinishedObject,
    FinishedObjects,
    IndexEntry,
    Looked,
    PresentArtifact,
    PresentArtifacts,
    RanTaskGroup,
    ReachedTask,
    ReachedTasks,
    ResolvedTaskGroup,
)

__all__ = [
    "AllowReference",
    "ArtifactInfo",
    "ArtifactWait",
    "CanceledTaskGroup",
    "Client",
    "ConnectionSettings",
    "Credentials",
    "Destination",
    "DirectoryRecorder",
    "ErrorReason",
    "Extracted",
    "ExtractedArchives",
    "ExtractedFiles",
    "FinishedObject",
    "FinishedObjects",
    "Found",
    "HookFire",
    "IfExists",
    "IfNone",
    "IndexEntry",
    "IndexWait",
    "IndexedTask",
    "Json",
    "Looked",
    "MemorySink",
    "Multipart",
    "Network",
    "NotYet",
    "ObjectMetadata",
    "ObjectWait",
    "OnError",
    "Over",
    "PartSize",
    "Payload",
    "PayloadFile",
    "PayloadResult",
    "PayloadSummary",
    "PresentArtifact",
    "PresentArtifacts",
    "Progress",
    "Published",
    "PurgeRequest",
    "PurgeRequestPage",
    "RanTask",
    "RanTaskGroup",
    "RandomAccess",
    "ReachedTask",
    "ReachedTasks",
    "Reader",
    "Recorder",
    "ResolvedTaskGroup",
    "RetryPolicy",
    "Service",
    "ShownFile",
    "Sink",
    "Source",
    "StandIn",
    "StateStoreRecorder",
    "StorageType",
    "Stored",
    "StoredFile",
    "TaskGroupInfo",
    "TaskGroupWait",
    "TaskRun",
    "TaskStatus",
    "TaskWait",
    "TemporaryCredentials",
    "TransferResult",
    "Transferred",
    "Uploadable",
    "UploadedFolder",
    "Verdict",
    "Verification",
    "Wait",
    "Writer",
]
