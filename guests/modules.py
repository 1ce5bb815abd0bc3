"""Obtains modules of Debian's kernel for ppc64el, from the package that the kernel itself came from (guests/debian.py).

    python guests/modules.py zram zsmalloc      print their paths, downloaded first if need be

A guest loads one with `insmod`; what a module depends on must be loaded before it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

if not __package__:  # run as a script
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from guests import debian
from guests.packages import Apt, Progress, locked, print_paths, write_whole


def fetch(names: Sequence[str], progress: Progress = lambda stage, detail: None) -> list[Path]:
    """The paths of the modules called `names`, without `.ko`, for the kernel of `debian.fetch`. FetchError says what is missing."""
    kernel, _ = debian.fetch(progress)
    record = debian.recorded(kernel.with_name("guest.json"))
    assert record is not None
    folder = kernel.with_name(f"modules-{kernel.name}")
    folder.mkdir(exist_ok=True)
    with locked(folder / "lock"):
        missing = [name for name in names if not (folder / f"{name}.ko").is_file()]
        if missing:
            image, version = record.kernel_version.split()
            with TemporaryDirectory(prefix="packages-", dir=folder) as work:
                apt = Apt(Path(work), progress, debian.ARCHITECTURE)
                package = apt.download(["download", f"{image}={version}"], Path(work) / "packages", f"{image}_*.deb")
                for name in missing:
                    progress(f"unpacking {name}", "")
                    content = debian.member(package, lambda path, name=name: path.rpartition("/")[2] == f"{name}.ko")  # type: ignore[misc]
                    write_whole(folder / f"{name}.ko", content)
    return [folder / f"{name}.ko" for name in names]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", nargs="+")
    options = parser.parse_args()
    return print_paths(lambda show: fetch(options.name, show))


if __name__ == "__main__":
    sys.exit(main())
