"""Chaos tests: transfers under faults, kills, full disks and power losses; see ``python -m chaos --help``.

``plan`` draws a transfer and the trouble of each of its tries from a seed and a number, so that any transfer can be
repeated alone. ``transfers`` defines what each kind of transfer does and must leave behind. A try runs in a process of
its own (``client``) against an emulator in another one (``service``), with injected faults that can also kill it
(``faults``); ``disks`` fill up and lose power. ``trial`` runs all tries of one transfer, and checks the ``invariants``
after each. ``lanes`` runs many transfers at a time, and ``report`` counts.
"""
