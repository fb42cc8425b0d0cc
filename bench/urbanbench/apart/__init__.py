"""Work in a process of its own: started, watched for time and memory, and ended with all it has started.

`process` is the side of the one who waits, `child` the side that works, `state` what a plugin may not leave changed in a process.
"""

from __future__ import annotations

from urbanbench.apart.child import Channel, is_apart
from urbanbench.apart.keeping import Keeping, keeping, plugins_apart
from urbanbench.apart.limits import Limits
from urbanbench.apart.process import Apart, Ended
from urbanbench.apart.state import state_kept

__all__ = [
    "Apart",
    "Channel",
    "Ended",
    "Keeping",
    "Limits",
    "is_apart",
    "keeping",
    "plugins_apart",
    "state_kept",
]
