"""Artifacts and objects as files: an fsspec filesystem, for ``ObjectStoragePath``, pandas, pyarrow and others."""
