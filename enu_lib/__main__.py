"""Entry point of python -m enu_lib."""

import sys

from enu_lib.cli import main

sys.exit(main())
