"""Hypervisor calls of a pseries machine.

Importing this package registers all of them; `dispatch` answers one. A user's own module may add some with
`@hypercall` and `@rtas`.
"""

from __future__ import annotations

from runtime.hypercalls import console, memory, openfirmware, process_table, processor, registry, rtas, vpa, xive
from runtime.hypercalls.registry import HYPERCALLS, Hypercall, dispatch, hypercall
from runtime.hypercalls.state import PaprState

__all__ = ["HYPERCALLS", "Hypercall", "PaprState", "dispatch", "hypercall"]
__all__ += ["console", "memory", "openfirmware", "process_table", "processor", "registry", "rtas", "vpa", "xive"]
