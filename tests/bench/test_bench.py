"""`ppcdbt bench`: quick runs give whole reports and right results. Nothing here asserts a time."""

from __future__ import annotations

import json
import shutil
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from bench import boot, exits, families, loops, measure, qemu
from bench.chart import chart
from bench.cli import main
from bench.table import Table, shown
from guests import build, debian
from guests.fetch import IMAGES
from guests.packages import FetchError

OURS = "interpreter,jit"
ENVIRONMENT = {"time", "cpu", "cores", "load", "system", "commit", "versions"}
needs_guest = pytest.mark.skipif(not (IMAGES / "pseries64be").exists(), reason="the guest's images are not here")


def report(tmp_path: Path, *arguments: str, status: int = 0) -> dict[str, Any]:
    """A run's report; its chart must be XML, and it must have the common part."""
    files = tmp_path / "report.json", tmp_path / "chart.svg"
    assert main([*arguments, "--json", str(files[0]), "--chart", str(files[1])]) == status
    found: dict[str, Any] = json.loads(files[0].read_text())
    assert found["schema"] == "ppcdbt-bench/1"
    assert set(found["environment"]) == ENVIRONMENT
    assert ET.parse(files[1]).getroot().tag.endswith("svg")
    return found


def test_loops(tmp_path, capsys):
    found = report(tmp_path, "--quick", "--only", "crc32,fp_nbody", "--engines", OURS)
    assert found["what"] == "loops" and found["engines"] == OURS.split(",")
    assert [(r["name"], r["kind"], r["right"]) for r in found["rows"]] == [("crc32", "int", True), ("fp_nbody", "fp", True)]
    for row in found["rows"]:
        assert row["instructions"] > 1000
        assert all(e["results"] == [row["expected"]] for e in row["engines"].values())
        assert row["engines"]["jit"]["cold_user"] > 0
    assert set(found["summary"]) == {"int", "fp"}
    text = capsys.readouterr().out
    assert "crc32" in text and "geomean fp" in text and "WRONG" not in text


@pytest.mark.skipif(any(build.missing(t) for t in (qemu.USER, qemu.SYSTEM)), reason="QEMU is not installed")
def test_loops_beside_qemu(tmp_path):
    found = report(tmp_path, "loops", "--quick", "--only", "modpow")
    row = found["rows"][0]
    assert set(row["engines"]) | set(found["left_out"]) == set(loops.ENGINES)
    assert row["right"] and {tuple(e["results"]) for e in row["engines"].values()} == {(row["expected"],)}


def test_a_wrong_result_is_told(tmp_path, capsys, monkeypatch):
    job = loops.jobs(["crc32"], True, 1.0)[0]
    monkeypatch.setattr(loops, "jobs", lambda *_: [loops.Job(job.workload, job.reps, "0" * 16)])
    found = report(tmp_path, "loops", "--quick", "--engines", "interpreter", status=1)
    assert not found["rows"][0]["right"]
    assert "WRONG" in capsys.readouterr().out


@needs_guest
def test_boot(tmp_path):
    """The first instructions of a boot."""
    found = report(tmp_path, "boot", "--quick", "--engines", OURS, "--max-instructions", "1000000")
    assert found["identical"]
    for row in found["rows"].values():
        assert row["instructions"] == row["statistics"]["instructions"] >= 1_000_000
        assert row["peak_rss"] > row["guest_ram_touched"] > 1 << 20
    assert found["rows"]["jit"]["cold"]["user"] > 0


@needs_guest
def test_boot_with_several_cpus(tmp_path):
    """In turns and in parallel; the latter does not count as one that has to agree."""
    found = report(tmp_path, "boot", "--quick", "--smp", "2", "--engines", "interpreter,jit-parallel", "--max-instructions", "1000000")
    assert found["smp"] == 2 and found["identical"]
    assert list(found["rows"]) == ["interpreter", "jit-parallel"]
    assert all(row["instructions"] >= 1_000_000 for row in found["rows"].values())


@needs_guest
@pytest.mark.skipif(build.missing(qemu.SYSTEM) is not None, reason="QEMU is not installed")
def test_boot_under_qemu():
    found = boot.run("pseries64be", ["qemu-system"], 1, 1, 512 << 20, lambda text: None)
    assert found["rows"]["qemu-system"]["seconds"] > 0
    assert "qemu-system" in boot.tables(found)[0].plain()


def test_start(tmp_path):
    found = report(tmp_path, "start", "--quick")
    for row in found["rows"].values():
        assert 0 < row["first_instruction"] <= row["end"]
        assert not row["imported"], "a warm start needs neither numba nor llvmlite"
    assert {"runtime", "dbt"} <= {i["module"] for i in found["imports"]}


@needs_guest
@pytest.mark.parametrize("machine", [[], ["--cpu", "power9", "--smp", "2"]], ids=["power8", "power9"])
def test_exits(tmp_path, machine):
    found = report(tmp_path, "exits", "--quick", "--max-instructions", "3000000", *machine)
    assert (found["cpu"], found["smp"]) == (("power9", 2) if machine else ("power8", 1))
    stats = {m: r["statistics"] for m, r in found["rows"].items()}
    assert stats["inline"]["emulated"] == {} and sum(stats["trap"]["emulated"].values()) == stats["trap"]["heavy"]["PRIVILEGED"] > 0


@pytest.mark.slow
@pytest.mark.parametrize(("guest", "cpu", "release"), [("pseries64be", "power7", None), ("debian", "power8", "trixie")])
def test_the_shared_page_saves_four_fifths_of_a_loads_exits(guest, cpu, release):
    """As docs/paravirtual.md says."""
    if release:
        try:
            debian.fetch(release=release)
        except FetchError as e:
            pytest.skip(str(e))
    rows = exits.run(guest, "interpreter", 1, 512 << 20, lambda text: None, load=True, cpu=cpu, release=release)["rows"]
    trap, page = (sum(rows[m]["statistics"]["emulated"].values()) - sum(rows[m]["before_load"].values()) for m in ("trap", "trap+pv"))
    assert trap > 1_000_000 and page < trap / 5


def test_compile(tmp_path):
    found = report(tmp_path, "compile", "--quick", "--only", "crc32,sha256", "--limit", "3")
    assert 1 <= len(found["regions"]) <= 3
    assert all(r["instructions"] > 0 and r["object_bytes"] > 0 for r in found["regions"])
    assert found["summary"]["ms_per_instruction"]["all"] > 0


@pytest.mark.parametrize(("arguments", "says"), [
    (["--only", "nothing"], "no workload nothing"), (["--engines", "llama"], "some of interpreter"),
    (["exits", "--release", "trixie"], "is for --guest debian"),
    (["--scale", "0"], "a factor above 0"), (["boot", "--rounds", "0"], "a number from 1"),
])  # fmt: skip
def test_bad_options(arguments, says, capsys):
    try:
        status: Any = main(arguments)
    except SystemExit as e:
        status = e.code
    assert status == 2
    assert says in capsys.readouterr().err


def test_a_child_that_fails_says_why():
    with pytest.raises(measure.BenchError, match="status 3: out of luck"):
        measure.execute(["/bin/sh", "-c", "echo out of luck >&2; exit 3"])
    with pytest.raises(measure.BenchError, match="too long"):
        measure.execute(["/bin/sleep", "10"], timeout=0.05)


def test_interleaving():
    order: list[str] = []
    done = measure.interleave(2, {n: (lambda n=n: order.append(n) or len(order)) for n in "AB"})
    assert order == ["A", "B", "A", "B"] and done == {"A": [1, 3], "B": [2, 4]}
    assert measure.geomean([2.0, 8.0, 0]) == pytest.approx(4) and measure.geomean([]) is None


def test_table_and_chart():
    table = Table("T", ["name", "n"])
    table.add("a", 1234567)
    table.rule()
    table.add("b", None)
    assert table.plain() == "T\nname          n\n---------------\na     1,234,567\n---------------\nb             -\n"
    assert [shown(v) for v in (123.4, 12.34, 1.234, 0.0123)] == ["123", "12.3", "1.23", "0.012"]
    svg = chart("a < b", "MIPS", ["x", "y"], [("g", {"x": 3.0, "y": None}), ("h", {"x": 4000.0, "y": 20.0})], logarithmic=True)
    root = ET.fromstring(svg)
    assert len([e for e in root.iter() if e.tag.endswith("title")]) == 3
    assert "a < b" in [e.text for e in root.iter()]
    assert ET.fromstring(chart("empty", "s", ["x"], [])) is not None


def test_programs(tmp_path, capsys):
    """One of Debian's programs; skipped where their packages cannot be fetched."""
    from tests.user.rootfs import debian

    debian()
    found = report(tmp_path, "programs", "--quick", "--only", "busybox sha256sum", "--engines", "interpreter")
    assert [(r["name"], r["right"], r["status"]) for r in found["rows"]] == [("busybox sha256sum", True, [0])]
    assert found["total"]["interpreter"] > 0
    assert "busybox sha256sum" in capsys.readouterr().out
    assert main(["programs", "--only", "no such program"]) == 2


@pytest.mark.slow
@pytest.mark.skipif(shutil.which(build.LITTLE + "gcc") is None, reason="no cross compiler")
def test_threads(tmp_path, capsys):
    found = report(tmp_path, "threads", "--quick")
    assert found["threads"] == 2 and all(row["right"] and set(row["scaling"]) == set(found["engines"]) for row in found["rows"])


@pytest.mark.skipif(shutil.which(build.LITTLE + "gcc") is None, reason="no cross compiler")
def test_families(tmp_path, capsys):
    """One family of each kind of register, against QEMU where it is."""
    found = report(tmp_path, "families", "--quick", "--only", "lxvd2x,scalar double")
    assert [row["right"] for row in found["rows"]] == [True, True]
    assert set(found["engines"]) | set(found["left_out"]) == set(families.ENGINES)
    assert "lxvd2x" in capsys.readouterr().out
