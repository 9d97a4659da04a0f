"""Benchmarks of this provider against its alternatives: ``python -m benchmarks --help``.

``cases`` lists the contenders and the bar of each case; ``transfers``, ``payloads`` and ``waits`` set the cases up.
A case runs in a ``world`` of its own (emulator, nginx, and proxies between them and the client), where each contender
is a process that times itself; ``programs`` are those in other languages. ``runner`` lets the contenders take turns,
``table`` shows the results. ``growth`` measures how cost grows, ``plot`` and ``fits`` show it. ``publish`` writes the
figures into the ``pages`` of the documentation.
"""
