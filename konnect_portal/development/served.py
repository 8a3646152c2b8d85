"""Run one Python command beside empty services: `python -m konnect_portal.development.served manage.py check`."""

import os
import subprocess
import sys
from pathlib import Path

from konnect_portal.development import services

LOCAL = Path(__file__).resolve().parents[2] / ".local"


def main(arguments: list[str]) -> int:
    with services.for_tests(LOCAL) as environment:
        return subprocess.run([sys.executable, *arguments], env={**os.environ, **environment}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
