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
from guests.packages import FetchError, Progress, locked, terminal_progress, write_whole


def fetch(names: Sequence[str], progress: Progress = lambda stage, detail: None) -> list[Path]:
    """The paths of the modules called `names`, without `.ko`, for the kernel of `debian.fetch`. FetchError says what is missing."""
    kernel, _ = debian.fetch(progress)
    record = debian._recorded(kernel.with_name("guest.json"))
    assert record is not None
    folder = kernel.with_name(f"modules-{kernel.name}")
    folder.mkdir(exist_ok=True)
    with locked(folder / "lock"):
        missing = [name for name in names if not (folder / f"{name}.ko").is_file()]
        if missing:
            image, version = record.kernel_version.split()
            with TemporaryDirectory(prefix="packages-", dir=folder) as work:
                package = debian.PackageClient(Path(work), debian.ARCHITECTURE, progress).download(f"{image}={version}")
                for name in missing:
                    progress(f"unpacking {name}", "")
                    content = debian.member(package, lambda path, name=name: path.rpartition("/")[2] == f"{name}.ko")  # type: ignore[misc]
                    write_whole(folder / f"{name}.ko", content)
    return [folder / f"{name}.ko" for name in names]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", nargs="+")
    options = parser.parse_args()
    try:
        paths = fetch(options.name, terminal_progress())
    except FetchError as error:
        print(f"{chr(10) if sys.stderr.isatty() else ''}modules.py: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    if sys.stderr.isatty():
        sys.stderr.write("\n")
    print(*paths, sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
