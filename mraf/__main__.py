"""`python -m mraf` is `mraf`."""

import sys

from mraf.cli import main

sys.exit(main())
