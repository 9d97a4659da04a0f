"""The filesystem used through Airflow's ObjectStoragePath, pandas and pyarrow."""

from __future__ import annotations

import io
import os
import secrets

import pandas as pd
import pyarrow.csv
import pyarrow.parquet
import pytest
from airflow.providers.common.compat.sdk import ObjectStoragePath
from fsspec.implementations.memory import MemoryFileSystem

from airflow_provider_taskcluster.emulator.store.faults import Corrupt
from airflow_provider_taskcluster.exceptions import Conflict, HashMismatch, InvalidInput, NotFound

try:
    from airflow.sdk.io import attach
except ImportError:  # Airflow 2
    from airflow.io.store import attach

DATA = os.urandom(3_000_000)
TABLE = pd.DataFrame({"number": range(100_000), "text": [f"row {n}" for n in range(100_000)]})


@pytest.fixture(scope="session", autouse=True)
def _pyarrow_started():
    """Its first table opens a pipe, which the process keeps."""
    pyarrow.csv.read_csv(io.BytesIO(b"a\n1\n"))


@pytest.fixture
def objects(conn_id, name):
    return ObjectStoragePath(f"taskcluster://{conn_id}@objects/{name}")


@pytest.fixture
def artifacts(conn_id, run):
    """URL of the public artifacts of a run."""
    run.add("public/data.bin", DATA)
    run.add("public/table.csv", TABLE.to_csv(index=False).encode(), storage_type="s3", gzipped=True)
    run.add("public/table.parquet", TABLE.to_parquet(), storage_type="s3")
    run.add("public/deeper/odd #name?%20.txt", b"odd", storage_type="s3")
    return f"taskcluster://{conn_id}@artifacts/{run.task_id}/latest/public"


@pytest.fixture(params=["file", "memory", "s3"])
def elsewhere(request, tmp_path):
    """A folder in another storage."""
    conn_id = f"storage_{secrets.token_hex(4)}"
    if request.param == "file":
        return ObjectStoragePath(f"file://{tmp_path}")
    if request.param == "memory":
        attach("memory", conn_id=conn_id, fs=MemoryFileSystem(skip_instance_cache=True))
        return ObjectStoragePath(f"memory://{conn_id}@folder")
    attach("s3", conn_id=conn_id, fs=request.getfixturevalue("s3"))
    return ObjectStoragePath(f"s3://{conn_id}@bucket/{conn_id}")


def test_a_path_of_artifacts_lists_and_reads(artifacts):
    folder = ObjectStoragePath(artifacts)
    assert folder.is_dir()
    assert {path.name for path in folder.iterdir()} == {"data.bin", "table.csv", "table.parquet", "deeper"}
    assert [path.name for path in folder.glob("*.csv")] == ["table.csv"]
    file = folder / "data.bin"
    assert file.exists()
    assert file.is_file()
    assert file.stat().st_size == len(DATA)
    assert file.read_bytes() == DATA
    with file.open("rb") as opened:
        opened.seek(1_000_000)
        assert opened.read(5) == DATA[1_000_000:1_000_005]
    assert not (folder / "missing").exists()
    with pytest.raises(FileNotFoundError) as caught:
        (folder / "missing").read_bytes()
    assert isinstance(caught.value, NotFound)


@pytest.mark.parametrize("odd", ["with space", "100%", "a%20b", "question?mark", "hash#tag"])
def test_a_path_of_an_object_is_written_and_read_under_odd_names(objects, odd):
    path = objects / odd
    assert not path.exists()
    path.write_text("grün", encoding="utf-8")
    assert path.exists()
    assert path.stat().st_size == 5
    assert path.read_text(encoding="utf-8") == "grün"
    assert ObjectStoragePath(str(path)).read_bytes() == "grün".encode()


def test_an_error_in_the_block_of_a_path_publishes_nothing(objects):
    with pytest.raises(ZeroDivisionError), objects.open("wb") as file:
        file.write(b"half of it" * (1 // 0))
    assert not objects.exists()
    with pytest.raises(ZeroDivisionError), objects.open("w") as file:  # noqa: PT012 (the block is what is tested)
        file.write("half of it")
        assert 1 // 0
    assert not objects.exists()


def test_an_artifact_is_copied_elsewhere_and_an_object_from_there(artifacts, elsewhere, objects):
    elsewhere.mkdir(parents=True, exist_ok=True)
    ObjectStoragePath(f"{artifacts}/data.bin").copy(elsewhere / "copy")
    assert (elsewhere / "copy").read_bytes() == DATA
    (elsewhere / "copy").copy(objects)
    assert objects.read_bytes() == DATA
    ObjectStoragePath(f"{artifacts}/table.csv").copy(elsewhere / "decoded")
    assert (elsewhere / "decoded").read_bytes() == TABLE.to_csv(index=False).encode()


def test_an_artifact_is_copied_to_an_object_of_the_same_connection(artifacts, objects):
    ObjectStoragePath(f"{artifacts}/data.bin").copy(objects)
    assert objects.read_bytes() == DATA


def test_the_root_of_a_connection_has_two_rooms(conn_id, hook, name):
    root = ObjectStoragePath(f"taskcluster://{conn_id}@")
    rooms = {path.name: path for path in root.iterdir()}
    assert set(rooms) == {"artifacts", "objects"}
    (rooms["objects"] / name).write_bytes(b"data")
    assert (rooms["objects"] / name).read_bytes() == hook.read_object(name) == b"data"


def test_a_folder_of_artifacts_is_uploaded_as_objects(artifacts, hook, name, expires):
    names = [f"{name}/{file}" for file in ("data.bin", "deeper/odd #name?%20.txt", "table.csv", "table.parquet")]
    for folder in (ObjectStoragePath(artifacts), artifacts, f"{artifacts}/"):
        assert [result.name for result in hook.upload_folder(folder, f"{name}/", expires=expires)] == names
    assert hook.read_object(names[0]) == DATA


def test_a_download_becomes_an_object_when_it_is_verified(artifacts, objects, hook, name, run, tc):
    tc.faults.add(Corrupt(1_000), method="GET", times=100)
    with pytest.raises(HashMismatch):
        hook.download_artifact(run.task_id, "public/data.bin", str(objects))
    assert not objects.exists()
    tc.faults.clear()
    tc.journal.clear()
    for destination in (objects, str(objects)):  # the same again is success
        assert hook.download_artifact(run.task_id, "public/data.bin", destination).destination == str(objects)
    assert hook.read_object(name) == DATA
    made = {entry.path for entry in tc.journal.entries(method="PUT") if "/upload/" in entry.path}
    assert made == {f"/api/object/v1/upload/{name.replace('/', '%2F')}"}
    with pytest.raises(InvalidInput, match="only objects"):
        hook.download_artifact(run.task_id, "public/data.bin", f"{artifacts}/new")
    with pytest.raises(Conflict):
        hook.download_artifact(run.task_id, "public/table.parquet", objects)


def test_a_folder_of_artifacts_is_copied_to_this_machine(artifacts, tmp_path):
    ObjectStoragePath(artifacts).copy(ObjectStoragePath(f"file://{tmp_path}/copies"), recursive=True)
    found = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    names = {"data.bin", "table.csv", "table.parquet", "deeper/odd #name?%20.txt"}
    assert {name.partition("/")[2] for name in found} == names


def test_what_is_copied_elsewhere_is_verified(objects, tmp_path, tc):
    objects.write_bytes(DATA)
    tc.faults.add(Corrupt(1000), method="GET", times=100)
    with pytest.raises(HashMismatch):
        objects.copy(ObjectStoragePath(f"file://{tmp_path}/copy"))
    assert not list(tmp_path.iterdir())
    conn_id = f"storage_{secrets.token_hex(4)}"
    attach("memory", conn_id=conn_id, fs=MemoryFileSystem(skip_instance_cache=True))
    with pytest.raises(HashMismatch):
        objects.copy(ObjectStoragePath(f"memory://{conn_id}@copy"))


def test_pandas_reads_artifacts_by_url(artifacts):
    pd.testing.assert_frame_equal(pd.read_csv(f"{artifacts}/table.csv"), TABLE)
    pd.testing.assert_frame_equal(pd.read_parquet(f"{artifacts}/table.parquet"), TABLE)


def test_pandas_writes_objects_by_url(objects, conn_id, name):
    url = f"taskcluster://{conn_id}@objects/{name}"
    TABLE.to_csv(f"{url}.csv", index=False)
    TABLE.to_csv(f"{url}.csv.gz", index=False)
    TABLE.to_parquet(f"{url}.parquet")
    for found in (pd.read_csv(f"{url}.csv"), pd.read_csv(f"{url}.csv.gz"), pd.read_parquet(f"{url}.parquet")):
        pd.testing.assert_frame_equal(found, TABLE)


class Unwritable:
    """A value that breaks the writing of a table when its turn comes."""

    def __str__(self):
        raise ZeroDivisionError


def test_a_table_that_breaks_while_it_is_written_publishes_nothing(objects, conn_id, name):
    broken = pd.DataFrame({"column": [*range(50_000), Unwritable()]})
    url = f"taskcluster://{conn_id}@objects/{name}"
    with pytest.raises(ZeroDivisionError):
        broken.to_csv(url)
    with pytest.raises(Exception, match=r"Unwritable|Arrow|column"):
        broken.to_parquet(url)
    with pytest.raises(ZeroDivisionError), objects.open("w") as file:
        broken.to_csv(file)
    assert not objects.exists()


def test_pyarrow_reads_and_writes_tables(artifacts, objects, tc):
    table = pyarrow.Table.from_pandas(TABLE)
    path = ObjectStoragePath(f"{artifacts}/table.parquet")
    tc.journal.clear()
    assert pyarrow.parquet.read_table(path.path, filesystem=path.fs, columns=["number"]).num_rows == 100_000
    pyarrow.parquet.write_table(table, objects.path, filesystem=objects.fs)
    assert pyarrow.parquet.read_table(objects.path, filesystem=objects.fs).equals(table)
    with ObjectStoragePath(f"{artifacts}/table.csv").open("rb") as file:
        assert pyarrow.csv.read_csv(file).num_rows == 100_000


def test_a_parquet_dataset_over_a_folder_of_artifacts_is_read(artifacts, run):
    for part in range(3):
        run.add(f"public/dataset/part-{part}.parquet", TABLE[part::3].to_parquet(), storage_type="s3")
    assert len(pd.read_parquet(f"{artifacts}/dataset")) == 100_000
