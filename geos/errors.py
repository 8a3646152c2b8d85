"""What acts on control planes and what lies under them are refused with."""


class GeoRefusal(Exception):
    """Nothing changed; the text says why, worded for people.

    `field` is what it is about, "object" the thing as a whole; `status` is what an API answers, 409 for a name taken.
    """

    def __init__(self, text: str, field: str = "name", status: int = 400) -> None:
        super().__init__(text)
        self.field = field
        self.status = status
