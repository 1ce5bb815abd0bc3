"""Protection, by hand from Book III 5.7.9: PP and key, no-execute, guarded, storage keys; reference and change bits (5.7.8)."""

from __future__ import annotations

import pytest

from .rig import KERNEL, PR, VIRTUAL, Fault, Page, Rig, Segment, fault

# (key, PP) -> what is allowed; PP 4, 5 and 7 are reserved
RIGHTS = {(0, 0): "rw", (0, 1): "rw", (0, 2): "rw", (0, 3): "r", (0, 6): "r", (1, 1): "r", (1, 2): "rw", (1, 3): "r"}


def rig_with(page: Page, segment: Segment | None = None) -> tuple[Rig, int]:
    rig = Rig()
    segment = rig.segment(KERNEL, segment or Segment(0x1000))
    return rig, rig.table.enter(segment, 0, page)


@pytest.mark.parametrize("problem", [False, True])
@pytest.mark.parametrize("ks", [False, True])
@pytest.mark.parametrize("kp", [False, True])
def test_page_protection(problem: bool, ks: bool, kp: bool) -> None:
    rig = Rig()
    segment = rig.segment(KERNEL, Segment(0x1000, ks=ks, kp=kp))
    for pp in range(8):
        rig.table.enter(segment, pp << 12, Page(0x40_0000, pp))
    rig.mode(VIRTUAL | (PR if problem else 0))
    for pp in range(8):
        ea = KERNEL + (pp << 12)
        rights = RIGHTS.get((int(kp if problem else ks), pp), "")
        assert rig.load(ea) == (0 if "r" in rights else fault(0x300, ea, 0x0800_0000))
        assert rig.store(ea, 0) == (None if "w" in rights else fault(0x300, ea, 0x0A00_0000))
        assert rig.fetch(ea) == (0x40_0000 if "r" in rights else fault(0x400, ea, 0x0800_0000))


@pytest.mark.parametrize(
    "page", [Page(0x40_0000, no_execute=True), Page(0x40_0000, guarded=True), Page(0x40_0000, 0, no_execute=True)]
)
def test_no_execute_and_guarded(page: Page) -> None:
    rig, _ = rig_with(page, Segment(0x1000, ks=page.pp == 0))
    assert rig.fetch(KERNEL) == fault(0x400, KERNEL, 0x1000_0000)
    assert rig.load(KERNEL) == (0 if page.pp else fault(0x300, KERNEL, 0x0800_0000))


def test_no_execute_segment() -> None:
    rig, index = rig_with(Page(0x40_0000), Segment(0x1000, no_execute=True))
    assert rig.fetch(KERNEL) == fault(0x400, KERNEL, 0x1000_0000)
    assert rig.fetch(KERNEL + 0x5000) == fault(0x400, KERNEL + 0x5000, 0x1000_0000)  # before the table is searched
    assert rig.load(KERNEL) == 0
    assert rig.table.get(index)[1] & 0x180 == 0x100


@pytest.mark.parametrize("key", [0, 1, 7, 8, 31])
def test_storage_keys(key: int) -> None:
    rig, _ = rig_with(Page(0x40_0000, pp=3, key=key))
    for amr, load, store in (
        (0, 0, 0x0A00_0000),
        (1, 0x0020_0000, 0x0A00_0000),
        (2, 0, 0x0A20_0000),
        (3, 0x0020_0000, 0x0A20_0000),
    ):
        rig.v.amr = amr << (62 - 2 * key)
        rig.v.call("translation_changed", 29)
        assert rig.load(KERNEL) == (fault(0x300, KERNEL, load) if load else 0)
        assert rig.store(KERNEL, 0) == fault(0x300, KERNEL, store)
    assert isinstance(rig.fetch(KERNEL), int)
    rig.v.iamr = 1 << (62 - 2 * key)
    rig.v.call("translation_changed", 61)
    assert rig.fetch(KERNEL) == fault(0x400, KERNEL, 0x0020_0000)


def test_a_page_for_stores_only_is_not_readable_after_a_store() -> None:
    rig, _ = rig_with(Page(0x40_0000, key=3))
    rig.v.amr = 1 << (62 - 2 * 3)
    rig.v.call("translation_changed", 29)
    assert rig.store(KERNEL, 1) is None
    assert isinstance(rig.helper("readable", KERNEL), Fault) and isinstance(rig.helper("writable", KERNEL), int)


def test_reference_and_change() -> None:
    rig, index = rig_with(Page(0x40_0000))
    low = rig.table.get(index)[1]
    for access, bits in ((rig.load, 0x100), (rig.fetch, 0x100), (rig.load, 0x100)):
        assert isinstance(access(KERNEL), int)
        assert rig.table.get(index)[1] == low | bits
    assert rig.store(KERNEL, 1) is None
    assert rig.table.get(index)[1] == low | 0x180


@pytest.mark.parametrize("page", [Page(0x40_0000, pp=3), Page(0x40_0000, key=4)])
def test_a_refused_access_leaves_no_mark(page: Page) -> None:
    rig, index = rig_with(page)
    rig.v.amr = 3 << (62 - 2 * 4)
    low = rig.table.get(index)[1]
    assert isinstance(rig.store(KERNEL, 1), Fault)
    assert rig.table.get(index)[1] == low
