"""Scripted misfortunes of the store, and of the API: the nth request that fits is answered wrongly, on purpose.

A fault is a small class that answers in the server's place, or lets the server answer and spoils what it sends.
``script`` says which request is struck. The faults are sorted by what is wrong: ``replies`` (another answer),
``endings`` (the body does not arrive, or late), ``contents`` (the body or what is said of it is wrong),
``framing`` (where the body ends is not said beforehand), ``races`` (somebody else was faster). A new fault is
one more class; nothing else needs to know.
"""

from .contents import Corrupt, Headers, Ignore, Longer, OtherRange, Short, WrongRange
from .endings import Cut, Drip, Reset, Stall
from .framing import Chunked, NoLength
from .races import Overtaken
from .replies import Redirect, Refuse, Status
from .script import Both, Exchange, Fault, Faults, Faulty, ranged, unranged

__all__ = [
    "Both",
    "Chunked",
    "Corrupt",
    "Cut",
    "Drip",
    "Exchange",
    "Fault",
    "Faults",
    "Faulty",
    "Headers",
    "Ignore",
    "Longer",
    "NoLength",
    "OtherRange",
    "Overtaken",
    "Redirect",
    "Refuse",
    "Reset",
    "Short",
    "Stall",
    "Status",
    "WrongRange",
    "ranged",
    "unranged",
]
