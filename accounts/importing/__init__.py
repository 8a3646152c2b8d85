"""The import of organizations from a file (docs/export-format.md)."""

from accounts.importing.running import Rejection, Tally, import_organizations

__all__ = ["Rejection", "Tally", "import_organizations"]
