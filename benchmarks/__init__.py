"""Side by side with what a user would use instead: ``python -m benchmarks --help``.

``cases`` says what is compared with what and which bar is to be reached. A case runs in a ``world`` of its own
(emulator, nginx, and what lies between them and the client), where each contender is a process of its own that
times itself. ``runner`` lets them take turns; ``table``, ``plot`` and ``growth`` show what came of it.
"""
