"""Common fixtures, and a home of its own for Airflow, which reads it on import, so that no test uses the user's."""

from __future__ import annotations

import atexit
import functools
import gc
import os
import re
import shutil
import signal
import sys
import tempfile
import threading
import weakref
from pathlib import Path

import pytest
from leftovers import LeftoversCheck

gc.disable()  # until all test files are imported: half a million objects stay, and little is garbage
TESTS = Path(__file__).parent

# Beside those of other processes, not within: paths of sockets have at most 107 characters, Chromium's, too.
ROOT = os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", tempfile.gettempdir())  # where users look for those of pytest
home = tempfile.mkdtemp(prefix="airflow-home-", dir=ROOT)
atexit.register(shutil.rmtree, home, ignore_errors=True)
os.environ["AIRFLOW_HOME"] = home
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
os.environ["AIRFLOW__CORE__DAGS_FOLDER"] = str(TESTS.parent / "example_dags")
os.environ["AIRFLOW__CORE__PLUGINS_FOLDER"] = str(TESTS / "airflow/plugins")
os.environ["AIRFLOW__USAGE_DATA_COLLECTION__ENABLED"] = "False"
os.environ.pop("AIRFLOW__CORE__UNIT_TEST_MODE", None)
os.environ["HYPOTHESIS_NO_PLUGINS"] = "1"  # that of trio looks through all objects of the process

# Temporary files go into a folder of this process, where the check after each test file finds those that are left.
os.environ["TMPDIR"] = tempfile.tempdir = tempfile.mkdtemp(prefix="tmp-", dir=home)
for folder in (home, tempfile.tempdir):
    Path(folder).chmod(0o711)  # PostgreSQL, which never runs as root, has its folder below

# What a test file imports or asks for that touches Airflow; `bucket` is a fixture of Airflow's storages.
OF_AIRFLOW = re.compile(
    r"(?:from|import) (?:airflow[. ]|airflow_tries\b|operator_of_a_"
    r"|airflow_provider_taskcluster\.(?:assets|connection|fs|links|operators|sensors|triggers|hooks\.base"
    r"|common\.(?:arguments|checks|mapped_arguments|task_failure|values))\b)"
    r"|\bdef \w+\([^)]*\bbucket\b"
)
# Those of Airflow 3 (server and task) and of Airflow 2.
SECRETS_MASKERS = {
    "airflow._shared.secrets_masker.secrets_masker",
    "airflow.sdk._shared.secrets_masker.secrets_masker",
    "airflow.utils.log.secrets_masker",
}


def pytest_configure(config):
    config.pluginmanager.register(LeftoversCheck())


def pytest_addoption(parser):
    parser.addoption("--airflow", choices=["touched", "not"], help="only tests that touch Airflow, or only the others")


def pytest_ignore_collect(collection_path, config):
    """Files that are left out are not even imported: to collect them takes as long as to run hundreds of tests."""
    wanted = config.getoption("--airflow")
    if wanted and collection_path.match("test_*.py") and touches_airflow(collection_path) != (wanted == "touched"):
        return True
    return None  # other reasons to leave it out hold


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: not takes_long(item.path))
    for item in items:
        if "alarm" in item.fixturenames:  # it uses the alarm clock that pytest-timeout uses, too
            item.add_marker(pytest.mark.timeout(method="thread"))
        if item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.timeout(900))


@functools.cache
def touches_airflow(path):
    """Whether a test file must pass on each line of Airflow, because it uses Airflow or code written for it.

    The engine, the services and the emulator know nothing of Airflow; their tests reach them through the hook.
    """
    folder = path.relative_to(TESTS).parts[0]
    return folder in {"airflow", "packaging"} or (
        folder != "documentation" and bool(OF_AIRFLOW.search(path.read_text()))
    )


@functools.cache
def takes_long(path):
    """Whether a test file runs DAGs or other programs."""
    folder = path.relative_to(TESTS).parts[0]
    return folder in {"airflow", "documentation", "packaging"} or "import subprocess" in path.read_text()


@pytest.fixture(autouse=True)
def _forget_masked_secrets():
    """Airflow compiles all secrets of the process anew with each new one: those of a session take 0.3 s a test."""
    yield
    for name in SECRETS_MASKERS & sys.modules.keys():
        masker = sys.modules[name]._secrets_masker()
        masker.patterns, masker.replacer = set(), None


@pytest.fixture(autouse=True, scope="module")
def _forget_lineage():
    """Airflow's collector of lineage holds each hook, and with it its connections, as long as the process lives."""
    yield
    for name in ("airflow.sdk.lineage", "airflow.lineage.hook"):  # Airflow 3 and 2
        if name in sys.modules:
            collector = sys.modules[name].get_hook_lineage_collector()
            vars(collector).update(vars(type(collector)()))  # readers keep the collector, so it stays and is emptied


@pytest.fixture(scope="session")
def hooks_made():
    """All hooks that tests create; fsspec, Airflow and test parameters keep some of them alive."""
    from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook

    hooks = weakref.WeakSet()
    initialise = TaskclusterHook.__init__

    @functools.wraps(initialise)
    def noted(hook, *arguments, **named):
        hooks.add(hook)
        initialise(hook, *arguments, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TaskclusterHook, "__init__", noted)
        yield hooks


@pytest.fixture(scope="session")
def preloaded():
    """Processes that run Python code, and have imported Airflow and our package before."""
    import preloaded

    preloaded.start()
    return preloaded


@pytest.fixture
def collector_off():
    """No finalizer of an earlier test's garbage runs inside this test, which changes what the whole process uses."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
def alarm(collector_off):
    """Call a handler of signals in the main thread after some seconds, as Airflow's time-outs do."""
    before = signal.getsignal(signal.SIGALRM)

    def after(seconds, handler):
        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, seconds)

    yield after
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def no_thread_after(monkeypatch, collector_off):
    """Simulate a system without threads left after a number of threads with a name prefix."""
    start = threading.Thread.start

    def limit(count, prefix):
        begun = []

        def limited(self):
            if self.name.startswith(prefix):
                if len(begun) == count:
                    raise RuntimeError("can't start new thread")
                begun.append(self)
            start(self)

        monkeypatch.setattr(threading.Thread, "start", limited)

    return limit


@pytest.fixture
def say(capsys):
    """Prints figures, for those who run the test."""

    def say(text):
        with capsys.disabled():
            print(text)  # noqa: T201 (it is for people)

    return say
