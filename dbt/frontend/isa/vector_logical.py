"""Vector logical instructions of 2.07 (Book I 6.9.3); the older ones are with the loads and stores a kernel needs."""

from __future__ import annotations

from typing import Any

from ..context import Context
from .vector_lanes import vec207


@vec207("vnand VRT,VRA,VRB", "4 VRT VRA VRB 1412:11", section="I 6.9.3", f=lambda a, b: ~(a & b))
@vec207("veqv VRT,VRA,VRB", "4 VRT VRA VRB 1668:11", section="I 6.9.3", f=lambda a, b: ~(a ^ b))
@vec207("vorc VRT,VRA,VRB", "4 VRT VRA VRB 1348:11", section="I 6.9.3", f=lambda a, b: a | ~b)
def logical(c: Context, VRT: Any, VRA: Any, VRB: Any, f: Any) -> None:
    c.vr[VRT] = f(c.vr[VRA], c.vr[VRB])
