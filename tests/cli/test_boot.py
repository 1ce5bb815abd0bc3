"""`ppcdbt boot`: bounded, so that it is cheap; tests/boot has whole boots."""

from __future__ import annotations

from pathlib import Path

import pytest

from guests.fetch import IMAGES

from .tool import HELLO, ppcdbt

needs_images = pytest.mark.skipif(not (IMAGES / "pseries64be").is_dir(), reason="no ../shared/guests/images")


@needs_images
@pytest.mark.parametrize("engine", ["interpreter", "jit"])
def test_expected_text(engine: str) -> None:
    done = ppcdbt("boot", "--engine", engine, "--expect", "Linux version", "--timeout", "60")
    assert done.returncode == 0 and "Linux version" in done.stdout


@needs_images
def test_too_late() -> None:
    done = ppcdbt("boot", "--expect", "never", "--max-instructions", "1M")
    assert done.returncode == 124 and "'never' has not appeared" in done.stderr


@needs_images
def test_explain_address_of_a_kernel() -> None:
    done = ppcdbt("explain-address", "c000000000000000", "--max-instructions", "1M")
    assert "RA" in done.stdout and "EA c000000000000000" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--kernel", "/no/kernel"], "/no/kernel: No such file or directory"),
        (["--kernel", HELLO, "--initrd", HELLO], "not an initial RAM disk"),
        (["--kernel", HELLO, "--expect", ""], "--expect: give a text"),
        (["--kernel", HELLO, "--hpt-log2", "3"], "from 18"),
        (["--kernel", HELLO, "--clock", "sun"], "invalid choice: 'sun'"),
        (["--kernel", HELLO, "--memory", "2M"], "2 MiB of memory are too few"),
    ],
)
def test_bad_options_get_one_clear_line(arguments: list[str], message: str, tmp_path: Path) -> None:
    done = ppcdbt("boot", *arguments)
    assert done.returncode == 2 and message in done.stderr.splitlines()[-1], done.stderr
    assert "Traceback" not in done.stderr
