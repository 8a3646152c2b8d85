"""How Django's own pages, those of the admin above all, write moments: as every other page does."""

DATE_FORMAT = "j M Y"
DATETIME_FORMAT = r"j M Y, H:i \U\T\C"
