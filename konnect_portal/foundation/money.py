"""Money as people read it: cents as "1,250.00 USD"."""


def dollars(cents: int) -> str:
    sign = "−" if cents < 0 else ""
    return f"{sign}{abs(cents) // 100:,}.{abs(cents) % 100:02} USD"
