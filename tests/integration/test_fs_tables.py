"""DuckDB, polars and pyarrow read and write parquet files through the filesystem."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import duckdb
import fsspec
import polars as pl
import pyarrow as pa
import pyarrow.dataset
import pyarrow.fs
import pyarrow.parquet
import pytest
from multipart_objects import upload_in_parts

from airflow_provider_taskcluster.emulator.store.faults import Headers
from airflow_provider_taskcluster.exceptions import InvalidInput, ReferenceRefused, TransferError

TABLE = pa.table({"number": range(20_000), "text": [f"row {n}" for n in range(20_000)]})


@pytest.fixture
def parquet(tmp_path):
    pyarrow.parquet.write_table(TABLE, tmp_path / "table", row_group_size=5_000)
    return (tmp_path / "table").read_bytes()


@pytest.fixture
def folder(conn_id, run, parquet):
    """URL of a folder of artifacts with two tables."""
    run.add("public/tables/a.parquet", parquet, storage_type="s3")
    run.add("public/tables/b.parquet", parquet)
    return f"taskcluster://{conn_id}@artifacts/{run.task_id}/latest/public/tables"


@pytest.fixture
def table_url(conn_id, hook, name, expires, parquet):
    """URL of an object with a table."""
    hook.upload_object(parquet, name, expires=expires)
    return f"taskcluster://{conn_id}@objects/{name}"


@pytest.fixture
def database(conn_id):
    with duckdb.connect() as database:
        database.register_filesystem(fsspec.filesystem("taskcluster", conn_id=conn_id))
        yield database


def test_duckdb_reads_parquet_of_objects_and_artifacts(database, table_url, folder):
    query = "SELECT count(*), sum(number), max(text) FROM read_parquet($url)"
    one = (20_000, 199_990_000, "row 9999")
    assert database.execute(query, {"url": table_url}).fetchone() == one
    assert database.execute(query, {"url": f"{folder}/a.parquet"}).fetchone() == one
    assert database.execute(query, {"url": f"{folder}/b.parquet"}).fetchone() == one
    assert database.execute(query, {"url": f"{folder}/*.parquet"}).fetchone() == (40_000, 399_980_000, "row 9999")


def test_duckdb_names_files_by_their_urls(database, folder):
    found = database.execute("SELECT file FROM glob($url) ORDER BY file", {"url": f"{folder}/*.parquet"}).fetchall()
    assert found == [(f"{folder}/a.parquet",), (f"{folder}/b.parquet",)]


def test_duckdb_writes_an_object(database, conn_id, hook, name, tmp_path):
    url = f"taskcluster://{conn_id}@objects/{name}"
    database.execute(f"COPY (SELECT 42 AS answer) TO '{url}' (FORMAT parquet, USE_TMP_FILE false)")
    (tmp_path / "copy").write_bytes(hook.read_object(name))
    assert pyarrow.parquet.read_table(tmp_path / "copy").to_pylist() == [{"answer": 42}]


def test_polars_reads_and_writes_parquet(table_url, folder, conn_id, name):
    for url in (table_url, f"{folder}/a.parquet"):
        with fsspec.open(url) as file:
            assert pl.read_parquet(file, columns=["number"])["number"].sum() == 199_990_000
    with fsspec.open(f"{table_url}-2", "wb") as file:
        pl.DataFrame({"answer": [42]}).write_parquet(file)
    with fsspec.open(f"{table_url}-2") as file:
        assert pl.read_parquet(file).rows() == [(42,)]


def test_polars_scans_a_folder_through_pyarrow(folder, conn_id):
    fs, path = fsspec.url_to_fs(folder)
    lazy = pl.scan_pyarrow_dataset(pyarrow.dataset.dataset(path, filesystem=fs))
    assert lazy.filter(pl.col("number") < 3).select("number").collect()["number"].sort().to_list() == [0, 0, 1, 1, 2, 2]


def test_pyarrow_reads_and_writes_with_times(folder, table_url):
    fs, path = fsspec.url_to_fs(folder)
    assert pyarrow.dataset.dataset(path, filesystem=fs).count_rows() == 40_000
    fs, path = fsspec.url_to_fs(table_url)
    assert pyarrow.parquet.read_table(path, filesystem=fs).equals(TABLE)
    with pyarrow.parquet.ParquetWriter(
        f"{path}-2", TABLE.schema, filesystem=pyarrow.fs.PyFileSystem(pyarrow.fs.FSSpecHandler(fs))
    ) as writer:
        writer.write_table(TABLE)
    assert pyarrow.parquet.read_table(f"{path}-2", filesystem=fs).equals(TABLE)


def is_now(moment):
    return abs(moment - datetime.now(UTC)) < timedelta(minutes=2) and moment.tzinfo is not None


@pytest.mark.parametrize("content", [b"data", b""])
def test_when_an_object_was_stored_is_what_its_store_says(fs, hook, name, expires, content):
    hook.upload_object(content, name, expires=expires)
    path = f"objects/{name}"
    assert is_now(fs.modified(path))
    assert fs.created(path) == fs.modified(path) == hook.object_modified(name)


def test_an_object_in_parts_was_stored_when_its_manifest_was(fs, hook, name, expires):
    upload_in_parts(hook, b"data" * 1_000_000, name, expires)
    assert is_now(fs.modified(f"objects/{name}"))


@pytest.mark.parametrize("storage", [{}, {"storage_type": "s3"}, {"storage_type": "s3", "gzipped": True}])
@pytest.mark.parametrize("end", ["a", "a b"])
def test_when_an_artifact_was_stored_is_what_its_store_says(fs, hook, run, storage, end):
    run.add(f"public/{end}", b"data" * 10_000, **storage)
    path = f"artifacts/{run.task_id}/latest/public/{end}"
    assert is_now(fs.modified(path))
    assert fs.created(path) == hook.artifact_modified(run.task_id, f"public/{end}")


def test_what_has_no_date_is_an_error(fs, hook, filesystem, name, expires, run, tc):
    with pytest.raises(FileNotFoundError):
        fs.modified(f"objects/{name}")
    with pytest.raises(FileNotFoundError):
        fs.created(f"artifacts/{run.task_id}/latest/public/missing")
    with pytest.raises(InvalidInput, match="is a folder"):
        fs.modified(f"artifacts/{run.task_id}")
    run.add_reference("public/reference", f"{tc.root_url}/api/queue/v1/ping")
    path = f"artifacts/{run.task_id}/latest/public/reference"
    with pytest.raises(ReferenceRefused):
        fs.modified(path)
    with pytest.raises(TransferError, match="its store does not say"):
        filesystem(allow_reference=True).modified(path)


def test_a_date_that_cannot_be_read_is_none(fs, hook, name, expires, tc):
    hook.upload_object(b"data", name, expires=expires)
    tc.faults.add(Headers({"last-modified": "yesterday"}), method="GET", times=100)
    assert hook.object_modified(name) is None
