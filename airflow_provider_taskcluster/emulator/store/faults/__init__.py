"""Fault injection into the store and the API: the nth matching request gets a wrong response.

A fault is a small class that responds in the server's place, or changes the server's response. ``script`` decides
which request gets which fault. The modules group the faults: ``replies`` (another response), ``endings`` (the body
is cut off or late), ``contents`` (the body or its headers are wrong), ``framing`` (the length is not announced),
``races`` (another call was faster). A new fault is one more class, and changes no other code.
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
