"""`python -m faultline_client`."""

import sys

from faultline_client.command import main

if __name__ == "__main__":
    sys.exit(main())
