"""What every machine is, whatever its devices: vCPUs that take turns or run in parallel."""

from __future__ import annotations

from collections.abc import Callable

from ..events import Event
from ..parallel import Parallel
from ..turns import Turns
from ..vcpu import VCPU
from ..vm import VM


class Machine:
    """A virtual machine and who runs when. `handle`: deals with a vCPU's event and says what ends the run. `tick`: what a parallel
    machine does now and then."""

    def __init__(self, vm: VM, handle: Callable[[VCPU, Event], Event | None], tick: Callable[[], object] = lambda: None) -> None:
        self.vm = vm
        self.turns: Turns | Parallel = Parallel(vm, handle, tick) if vm.parallel else Turns(vm)

    @property
    def vcpu(self) -> VCPU:
        """The vCPU whose turn it is; in parallel, the one that ended the run."""
        return self.turns.vcpu

    @property
    def instructions(self) -> int:
        """Instructions executed so far, by all vCPUs."""
        return self.turns.instructions

    def close(self) -> None:
        """Release the machine."""
        self.vm.close()
