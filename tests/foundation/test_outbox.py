"""The outbox: mails are rows of the transaction that gives rise to them."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from django.db import transaction
from post_office.models import STATUS, Email

from konnect_portal.foundation.models import Mail
from konnect_portal.foundation.outbox import NewMail, html_of, queue_mails
from tests.customers import read

DEACTIVATED = {
    "organization_name": "Acme",
    "deactivated_at": datetime(2026, 11, 20, 3, 0, tzinfo=UTC),
    "reason_sentence": "nobody used it for 30 days",
    "purge_at": datetime(2027, 2, 18, 3, 0, tzinfo=UTC),
    "subscription_count": 1,
    "control_plane_count": 5,
    "node_count": 14,
    "zone_count": 2,
}


def deactivated(to="alice@acme.example", **changes) -> NewMail:
    return NewMail(to=to, kind="organization_deactivated", context=DEACTIVATED | changes)


def queued(*mails: NewMail) -> list[Email]:
    queue_mails(mails)
    return [read(email) for email in Email.objects.order_by("pk")]


def html(email: Email) -> str:
    return html_of(Email.objects.get(pk=email.pk), "organization_deactivated")


@pytest.mark.django_db
class TestQueueMails:
    def test_a_deactivation_is_told_with_reason_facts_and_the_way_back(self, settings):
        """P49"""
        [email] = queued(deactivated())

        assert email.subject == "Acme was deactivated on 20 Nov 2026"
        for body in (email.message, " ".join(html(email).split())):
            assert "because nobody used it for 30 days" in body
            assert "1 subscription ended." in " ".join(body.split())
            assert "5 control planes" in body
            assert "14 data plane nodes and 2 mesh zones" in body
            assert "until 18 Feb 2027, 03:00 UTC" in body
            assert settings.SUPPORT_URL in body

    def test_a_reactivation_says_what_came_back_and_what_is_gone(self):
        """P50, P51"""
        told = {
            "organization_name": "Acme",
            "reactivated_at": DEACTIVATED["deactivated_at"],
            "control_plane_count": 3,
            "gone_control_plane_count": 1,
        }
        [email] = queued(NewMail("alice@acme.example", "organization_reactivated", told))

        assert email.subject == "Acme is active again since 20 Nov 2026"
        assert "3 control planes came back." in email.message
        assert "1 control plane is gone" in email.message

    def test_what_a_mail_is_about_stands_beside_it(self):
        """P49"""
        organization_id, event_id, person_id = uuid4(), uuid4(), uuid4()
        queue_mails(
            [NewMail("a@acme.example", "organization_deactivated", DEACTIVATED, organization_id, event_id, person_id)]
        )

        mail = Mail.objects.select_related("email").get()
        assert (mail.organization_id, mail.event_id, mail.person_id) == (organization_id, event_id, person_id)
        assert mail.email.to == ["a@acme.example"]
        assert mail.email.status == STATUS.queued

    def test_many_mails_take_as_many_statements_as_one(self, django_assert_num_queries):
        with django_assert_num_queries(3):
            queue_mails(deactivated(f"person{n}@acme.example") for n in range(50))

    def test_the_sender_is_hinted_once_and_after_the_commit(self, django_capture_on_commit_callbacks):
        """P48"""
        with django_capture_on_commit_callbacks() as after_commit:
            queue_mails(deactivated(f"person{n}@acme.example") for n in range(3))

        assert len(after_commit) == 1

    def test_no_mail_takes_no_statement(self, django_assert_num_queries):
        with django_assert_num_queries(0):
            queue_mails([])

    def test_each_mail_has_an_id_of_its_own(self):
        ids = {email.message_id for email in queued(deactivated(), deactivated())}

        assert len(ids) == 2
        assert None not in ids

    @pytest.mark.parametrize("name", ["Acme\r\nBcc: victim@example.com", "Acme\nBcc: x", "Acme\x0b\x85\u2028Bcc: x"])
    def test_a_line_break_in_a_name_begins_no_header_and_no_paragraph(self, name):
        [email] = queued(deactivated(organization_name=name))
        message = email.email_message().message()

        assert message["Bcc"] is None
        assert email.subject.startswith("Acme Bcc: ")
        assert email.message.startswith("Acme Bcc: ")

    def test_a_long_name_leaves_the_date_in_the_subject(self):
        [email] = queued(deactivated(organization_name="Ä" * 250))

        assert email.subject.endswith("was deactivated on 20 Nov 2026")
        assert len(email.subject) <= 250
        assert str(email.email_message().message()["Subject"]) == email.subject

    def test_names_are_escaped_where_it_is_html_and_only_there(self):
        [email] = queued(deactivated(organization_name="<b>R&D</b>"))

        assert email.subject.startswith("<b>R&D</b> was")
        assert email.message.startswith("<b>R&D</b> was")
        assert "<b>R&D" not in html(email)
        assert "&lt;b&gt;R&amp;D" in html(email)

    @pytest.mark.parametrize(
        "address", ["", "no address", "a@b\r\nBcc: c@d", "nul\x00@acme.example", "x" * 5000, '"a,b"@c.example']
    )
    def test_an_unusable_address_breaks_no_transaction(self, address):
        """P48"""
        assert len(queued(deactivated(address), deactivated())) == 2


@pytest.mark.django_db(transaction=True)
def test_a_mail_of_a_transaction_that_fails_is_never_sent():
    """P48"""
    with transaction.atomic():
        queue_mails([deactivated()])
        transaction.set_rollback(True)

    assert not Email.objects.exists()
