"""Work in a process of its own: started, watched for time and memory, and ended with all it has started.

`watched` is the side of the one who waits, `process` starts this Python with a function and `program` any other program, `child` is the side that works,
`tree` finds and ends what a process has started, `state` is what a plugin may not leave changed in a process.
"""

from __future__ import annotations

from urbanbench.apart.child import Channel, is_apart
from urbanbench.apart.keeping import Keeping, keeping, plugins_apart
from urbanbench.apart.limits import Limits
from urbanbench.apart.process import Apart, Ended
from urbanbench.apart.program import Program
from urbanbench.apart.state import state_kept

__all__ = [
    "Apart",
    "Channel",
    "Ended",
    "Keeping",
    "Limits",
    "Program",
    "is_apart",
    "keeping",
    "plugins_apart",
    "state_kept",
]
