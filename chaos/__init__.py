"""Transfers under faults, kills, full disks and power losses, with the promises checked: ``python -m chaos --help``.

``plan`` draws what one transfer is and what befalls each of its tries, from a seed and its number: pure, so that a
number can be repeated alone. ``transfers`` says what each kind of transfer does and what must be there in the end. A
try runs in a process of its own (``client``) against an emulator in another one (``service``), which struck requests
can kill (``faults``); ``disks`` fill up and lose power. ``trial`` leads one transfer through its tries, and asks
``invariants`` after each of them. ``lanes`` runs many transfers, and ``report`` counts.
"""
