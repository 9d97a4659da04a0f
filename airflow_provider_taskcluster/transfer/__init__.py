"""The engine that moves bytes between Taskcluster's stores and this machine. Knows nothing of Airflow.

An object moves in four steps: *propose* methods to the service, get a *grant* (URL, headers, expiry, hashes), *move*
the bytes between a *source* or *sink* and the store, *finish*. A method is one small class in ``download/`` or
``upload/``.
"""
