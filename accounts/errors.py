"""What acts of the lifecycle refuse with, worded for people."""


class LifecycleError(Exception):
    """A bad argument or a missing right: nothing has changed, and the text says what is wrong and what to do."""


class PreviewChanged(LifecycleError):
    """What the preview showed no longer holds; it has to be shown again (P71)."""

    def __init__(self) -> None:
        super().__init__("Something changed since this was shown. Nothing was done. Please read it again and confirm.")
