"""`make code`: the six digits that the demo's staff sign in with now."""

import os
import subprocess
import sys

from konnect_portal.development.demo import CHECKOUT, DIRECTORY, settings_of

UNUSED = {"DATABASE_URL": "postgres:///unused", "REDIS_URL": "redis://unused"}


def main() -> int:
    if not (DIRECTORY / "secret-key").exists():
        print("There is no demo yet: `make demo` makes it.", file=sys.stderr)
        return 1
    environment = {**UNUSED, **os.environ, **settings_of("")}
    return subprocess.run(
        [sys.executable, "manage.py", "demo_code"], env=environment, cwd=CHECKOUT, check=False
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
