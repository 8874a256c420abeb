"""`python -m oxitel` is the command `oxitel`."""

import sys

from oxitel.command import main

sys.exit(main())
