"""`python -m runtime.cli`, where the command is not installed."""

from __future__ import annotations

import sys

from . import main

sys.exit(main())
