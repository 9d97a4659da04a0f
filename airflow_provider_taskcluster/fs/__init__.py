"""Objects and artifacts as files: an fsspec filesystem for ``ObjectStoragePath``, pandas, pyarrow and others."""
