"""The talk's translation (slides 'Virtual Memory'): EA c000000012000380 to RA 12000380, and its shadow segments."""

from __future__ import annotations

from .rig import Page, Rig, Segment, fault

EA = 0xC000_0000_1200_0380
ROWS = {
    0xC000_0000_0000_0000: 0x408F92C94,
    0xD000_0000_0000_0000: 0xF09B89AF5,
    0xC000_0000_7000_0000: 0x45CB97751,
    0x0000_0000_0000_0000: 0xEF72A166E,
    0x0000_0000_F000_0000: 0xFAAA19203,
    0xC000_0000_1000_0000: 0x414F012AF,
}


def talk() -> Rig:
    rig = Rig(memory=512 << 20, hpt=24)
    for index, (ea, vsid) in enumerate(ROWS.items()):
        rig.segment(ea, Segment(vsid), index)
    rig.table.enter(Segment(0x414F012AF), 0x2000 << 12, Page(0x12000 << 12))
    rig.table.enter(Segment(0x408F92C94), 0, Page(0x5000 << 12))
    return rig


def test_the_walk_of_the_slides() -> None:
    rig = talk()
    rig.word(0x1200_0380, 0x7C42_1378_7DB1_43A6)
    assert rig.load(EA) == 0x7C42_1378_7DB1_43A6
    assert rig.fetch(EA) == 0x1200_0380
    assert rig.fetch(0xC000_0000_0000_0000) == 0x500_0000
    assert rig.load(0xD000_0000_0000_0000) == fault(0x300, 0xD000_0000_0000_0000, 0x4000_0000)
    assert rig.load(0x9000_0000) == fault(0x380, 0x9000_0000)
    assert rig.fetch(0x9000_0000) == fault(0x480, 0x9000_0000)


def test_every_step_is_shown() -> None:
    t = talk().explain(EA)
    assert (t.esid, t.vsid, t.page_index, t.hash, t.real) == (0xC00000001, 0x414F012AF, 0x2000, 0x414F032AF, 0x12000380)
    text = str(t)
    for shown in ("c00000001", "414f012af", "414f012af 2000 380", "= 414f032af", "RA     12000380", "PTEG", "match"):
        assert shown in text


def test_shadow_vsids_are_handed_out_in_order() -> None:
    rig = talk()
    first = rig.v.shadow_next
    rig.load(EA)
    rig.fetch(0xC000_0000_0000_0000)
    rig.load(EA + 8)
    assert rig.v.shadow_next == first + 2
