"""Benchmarks of this provider against its alternatives: ``python -m benchmarks --help``.

``cases`` lists the contenders and the bar of each case; ``transfers``, ``payloads`` and ``waits`` set the cases up.
A case runs in a ``world`` of its own (emulator, nginx, and proxies between them and the client), where each contender
is a process that times itself. ``runner`` lets the contenders take turns; ``table``, ``plot`` and ``growth`` show the
results.
"""
