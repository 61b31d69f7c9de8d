"""`python -m mraf` is `mraf`."""

import sys

from mraf.cli.main import main

sys.exit(main())
