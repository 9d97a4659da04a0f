"""Taskcluster's services without HTTP: a caller, names and a validated request in, JSON or a redirect out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .artifacts import ArtifactService
from .auth import AuthService
from .contents import ContentService
from .creation import CreationService
from .dependencies import DependencyService
from .firing import FiringService
from .groups import GroupService
from .hooks import HookService
from .index import IndexService
from .notifier import Notifier
from .notify import NotifyService
from .objects import ObjectService
from .purge_cache import PurgeCacheService
from .roles import RoleService
from .runs import RunService
from .scheduling import SchedulingService
from .secrets import SecretService
from .sweep import SweepService
from .task_notifications import TaskNotifications
from .tasks import TaskService

if TYPE_CHECKING:
    from airflow_provider_taskcluster.emulator.context import Context


class Services:
    """All services of one emulator, which share its state."""

    def __init__(self, context: Context) -> None:
        self.auth = AuthService(context)
        self.roles = RoleService(context)
        self.purge_cache = PurgeCacheService(context)
        self.secrets = SecretService(context)
        notifier = Notifier(context)
        self.notify = NotifyService(context, notifier)
        self.objects = ObjectService(context)
        self.tasks = TaskService(context)
        self.groups = GroupService(context, self.tasks)
        self.creation = CreationService(context, self.tasks, self.groups, DependencyService(context, self.tasks))
        self.firing = FiringService(context, self.tasks, self.creation)
        self.hooks = HookService(context, self.firing)
        self.scheduling = SchedulingService(context, self.tasks)
        self.runs = RunService(context, self.tasks)
        self.artifacts = ArtifactService(context, self.tasks, self.objects)
        self.contents = ContentService(context, self.tasks, self.artifacts, self.objects)
        self.sweep = SweepService(context).sweep
        TaskNotifications(context, self.tasks, notifier)
        self.index = IndexService(context, self.tasks, self.contents)
