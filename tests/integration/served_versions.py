"""A reference artifact whose server changes its responses, and the ways to read it."""

from __future__ import annotations

import io
import os

from raw_answers import ranged

# Enough for several ranges at once.
OLD = os.urandom(9 << 20)
NEW = os.urandom(9 << 20)
SHORT = OLD[:500_000]
VERSION = {
    "ETag": '"old"',
    "Last-Modified": "Wed, 21 Oct 2015 07:28:00 GMT",
    "Content-Type": "application/zip",
}


def headers(changes=()):
    return [f"{name}: {value}" for name, value in {**VERSION, **dict(changes)}.items() if value is not None]


def serving(data, *said, **options):
    """Respond with these bytes and headers, see ``ranged``."""
    return lambda request: ranged(request, data, *said, **options)


def download(hook, artifact, destination):
    return hook.download_artifact(**artifact, destination=destination, allow_reference=True)


def read_at_random(hook, artifact):
    with hook.open_artifact(**artifact, allow_reference=True) as file:
        return file.between(0, 3 << 20) + file.between(3 << 20, file.size)


def in_pieces(hook, artifact, tmp_path):
    download(hook, artifact, tmp_path / "a")
    return (tmp_path / "a").read_bytes()


def in_order(hook, artifact, _tmp_path):
    file = io.BytesIO()
    download(hook, artifact, file)
    return file.getvalue()


def at_random(hook, artifact, _tmp_path):
    return read_at_random(hook, artifact)


def as_payload(hook, artifact, tmp_path):
    payload = hook.open_payload(artifact["task_id"], artifact["run_id"], allow_reference=True)
    payload.download(tmp_path, files=1)
    return (tmp_path / "public/a").read_bytes()


def as_chunks(hook, artifact, _tmp_path):
    payload = hook.open_payload(artifact["task_id"], artifact["run_id"], allow_reference=True)
    return b"".join(chunk for _, chunk in payload.chunks())
