"""XIVE once more, in plain Python: what tests compare the compiled one (runtime/devices/xive.py, tima.py) with. Queues are lists of words."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

# P and Q: (next, whether an event goes on) of a trigger and of an end of interrupt
TRIGGER = {"00": ("10", True), "01": ("01", False), "10": ("11", False), "11": ("11", False)}
END = {"00": ("00", False), "01": ("01", False), "10": ("00", False), "11": ("10", True)}


@dataclass
class Source:
    level: bool = False
    pq: str = "01"
    line: bool = False
    route: tuple[int, int] | None = None
    eisn: int = 0


@dataclass
class Queue:
    entries: int
    always: bool
    words: list[int | None]
    events: int = 0
    pq: str = "00"


@dataclass
class Context:
    """A vCPU's: the priorities that wait."""

    cppr: int = 0
    waiting: set[int] = field(default_factory=set)

    @property
    def pipr(self) -> int:
        return min(self.waiting, default=0xFF)

    @property
    def signalled(self) -> bool:
        return self.pipr < self.cppr


class PlainXive:
    def __init__(self, servers: int, sources: dict[int, bool]) -> None:
        self.sources = {n: Source(level) for n, level in sources.items()}
        self.contexts = [Context() for _ in range(servers)]
        self.queues: dict[tuple[int, int], Queue] = {}
        self.notified: dict[tuple[int, int], int] = defaultdict(int)

    def _forward(self, s: Source) -> None:
        queue = self.queues.get(s.route) if s.route else None
        if s.route is None or queue is None:
            return
        wraps, at = divmod(queue.events, queue.entries)
        queue.words[at] = (s.eisn & 0x7FFFFFFF) | (0x80000000 if wraps % 2 == 0 else 0)
        queue.events += 1
        go = True
        if not queue.always:
            queue.pq, go = TRIGGER[queue.pq]
        if go:
            server, priority = s.route
            self.contexts[server].waiting.add(priority)

    def trigger(self, n: int) -> None:
        s = self.sources[n]
        s.pq, go = TRIGGER[s.pq]
        if go:
            self._forward(s)

    def set_line(self, n: int, up: bool) -> None:
        s = self.sources[n]
        s.line = up
        if up and s.pq == "00":
            self.trigger(n)

    def end(self, n: int) -> int:
        s = self.sources[n]
        s.pq, go = END[s.pq]
        if s.level and s.line and s.pq == "00":
            s.pq, go = TRIGGER[s.pq]
        if go:
            self._forward(s)
        return int(go)

    def get(self, n: int) -> int:
        return int(self.sources[n].pq, 2)

    def set_pq(self, n: int, pq: int) -> int:
        before = self.get(n)
        self.sources[n].pq = f"{pq:02b}"
        return before

    def end_queue(self, key: tuple[int, int]) -> int:
        queue = self.queues[key]
        queue.pq, go = END[queue.pq]
        return int(go)

    def acknowledge(self, server: int) -> int:
        """What a load of two bytes gives: NSR, CPPR."""
        c = self.contexts[server]
        signalled = c.signalled
        if signalled:
            c.cppr = c.pipr
            c.waiting.discard(c.cppr)
        return signalled << 15 | c.cppr

    def ring(self, server: int) -> tuple[int, int, int, int]:
        """NSR, CPPR, IPB, PIPR."""
        c = self.contexts[server]
        return c.signalled << 7, c.cppr, sum(0x80 >> p for p in c.waiting), c.pipr
