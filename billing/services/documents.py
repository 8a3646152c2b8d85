"""An issued invoice as PDF, in whatever script names are written, tagged so that it can be read aloud."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Literal

import typst

from billing.models import Invoice
from billing.services.explaining import explained
from konnect_portal.foundation.moments import absolute

HERE = Path(__file__).resolve().parent.parent
FAMILIES = ["DejaVu Sans", "Droid Sans Fallback"]
"""Asked first; for what they lack the others of the folder are."""


def invoice_pdf(invoice: Invoice) -> bytes:
    """The PDF of an issued invoice, the same one whenever it is asked for: PDF/UA, unless no font has a character."""
    try:
        return _compiled(invoice, "ua-1")
    except typst.TypstError:
        return _compiled(invoice)


def _compiled(invoice: Invoice, *standards: Literal["ua-1"]) -> bytes:
    assert invoice.issued_at is not None
    document = typst.compile(
        HERE / "invoice.typ",
        root=HERE,
        font_paths=[HERE / "fonts"],
        ignore_system_fonts=True,
        pdf_standards=[*standards],
        timestamp=invoice.issued_at.replace(microsecond=0),
        sys_inputs={"invoice": json.dumps(_content(invoice)), "fonts": json.dumps(FAMILIES)},
    )
    assert isinstance(document, bytes)
    return document


def _content(invoice: Invoice) -> dict[str, object]:
    assert invoice.issued_at is not None
    said = explained(invoice)
    return {
        "title": str(invoice),
        "organization": invoice.organization_name,
        "facts": [
            ("For", invoice.organization_name),
            ("Issued", absolute(invoice.issued_at)),
            ("Contact", invoice.contact_email),
            ("Period", said.term),
        ],
        **asdict(said),
    }
