"""python -m halfseen"""

import sys

from halfseen.cli import main

sys.exit(main())
