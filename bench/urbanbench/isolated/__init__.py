"""Plugins that state dependencies of their own, and run with these in an environment of their own.

From the top down: `remote` is the model that stands for such a plugin here, `guest` talks to the process in which it runs, `environment` builds what it
runs in with the tools of `installers`, `lent` says what of ours it may use there, and `needs` reads what it states. `doorway` is the first code that
runs there, and `service` answers.
"""

from __future__ import annotations
