"""Soak test: one worker process works for a long time, and must not grow; see ``python -m soak --help``.

``worker`` is that process: it repeats the ``rounds``, of transfers, waits and tasks, against an emulator in another
process. ``samples`` reads its memory, open files and threads from outside. ``growth`` fits lines to them, and judges;
``picture`` draws them. ``leaks`` are for tests of the judgement.
"""
