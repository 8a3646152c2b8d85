"""The README is true: what it lists is what there is."""

import re
from pathlib import Path

from django.conf import settings

README = (settings.BASE_DIR / "README.md").read_text()
SETTINGS = Path(settings.BASE_DIR / "konnect_portal" / "settings.py").read_text()


def test_every_setting_that_the_environment_can_give_stands_in_the_table():
    asked_for = set(re.findall(r'env\.\w+\("([A-Z_]+)"', SETTINGS))

    assert {name for name in asked_for if f"`{name}`" not in README} == set()


def test_every_make_target_that_it_names_exists():
    makefile = (settings.BASE_DIR / "Makefile").read_text()

    for target in re.findall(r"(?:^|`)make (\w+)", README, re.MULTILINE):
        assert f"\n{target}:" in makefile, target


def test_every_command_that_it_names_exists():
    commands = {path.stem for path in settings.BASE_DIR.glob("[a-l]*/**/management/commands/[a-z]*.py")}
    named = set(re.findall(r"^\| `(\w+) ", README, re.MULTILINE)) | {"create_token"}

    assert named <= commands
