"""What a license says, and that nobody else can say it (P21, P22)."""

import json
import secrets
from datetime import date, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.core.exceptions import ImproperlyConfigured

from accounts.lifecycle import deactivate_organizations, reactivate_organization
from accounts.words import Reason, Via
from licensing.models import License, LicenseDelivery, Product
from licensing.services import license_to_deliver, provision_licenses, record_deliveries
from licensing.signing import NotValid, expiry_date, public_keys, sign, signing_key, verify
from tests import factories

AT = factories.moment("2026-11-24 14:30:05")
MIDNIGHT = factories.moment("2027-11-25")
SECOND = timedelta(seconds=1)


@pytest.fixture
def issued(acme):
    """Acme's license for the gateway, issued at AT."""
    acme.licenses.all().delete()
    return provision_licenses([acme.pk], at=AT)[0]


def new_key() -> str:
    return secrets.token_hex(32)


def public_half(key: str) -> str:
    return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(key)).public_key().public_bytes_raw().hex()


def altered(document: str, change) -> str:
    told = json.loads(document)
    change(told["license"])
    return json.dumps(told)


class TestTheDocument:
    def test_it_has_the_shape_that_gateways_read(self, issued, acme):
        """P21"""
        told = json.loads(issued.document)

        assert set(told) == {"license"}
        assert set(told["license"]) == {"payload", "signature", "version"}
        payload = told["license"]["payload"]
        assert len(payload.pop("license_key")) >= 32
        assert payload == {
            "admin_seats": "unlimited",
            "customer": str(acme.pk),
            "dataplanes": "unlimited",
            "key_id": issued.key_id,
            "license_creation_date": "2026-11-24",
            "license_expiration_date": "2027-11-25",
            "product_subscription": "Kong Gateway Enterprise",
            "support_plan": "None",
        }

    def test_it_is_valid_until_the_first_midnight_after_365_days(self, issued):
        """P22"""
        assert issued.expires_at == AT + timedelta(days=365)
        assert verify(issued.document, at=MIDNIGHT - SECOND).expires_on == date(2027, 11, 25)
        with pytest.raises(NotValid, match=r"expired on 25 Nov 2027, 00:00 UTC"):
            verify(issued.document, at=MIDNIGHT)

    def test_what_ends_at_midnight_ends_on_that_date(self):
        """P22"""
        assert expiry_date(MIDNIGHT) == date(2027, 11, 25)
        assert expiry_date(MIDNIGHT + SECOND) == date(2027, 11, 26)

    def test_each_license_has_a_key_of_its_own(self, acme):
        """P20"""
        keys = {json.loads(each.document)["license"]["payload"]["license_key"] for each in acme.licenses.all()}

        assert len(keys) == 3

    def test_each_is_for_its_product(self, acme):
        """P20"""
        told = {each.product: verify(each.document, at=each.issued_at).product for each in acme.licenses.all()}

        assert told == dict(Product.choices)

    def test_many_organizations_get_theirs_by_one_statement(self, acme, globex, django_assert_num_queries):
        """P20"""
        License.objects.all().delete()

        with django_assert_num_queries(1):
            provision_licenses([acme.pk, globex.pk], at=AT)

        assert License.objects.count() == 6


class TestTampering:
    @pytest.mark.parametrize(
        "name",
        [
            "admin_seats",
            "customer",
            "dataplanes",
            "license_creation_date",
            "license_expiration_date",
            "license_key",
            "product_subscription",
            "support_plan",
        ],
    )
    def test_a_changed_field_is_noticed(self, issued, name):
        """P21"""
        document = altered(issued.document, lambda told: told["payload"].update({name: "2099-01-01"}))

        with pytest.raises(NotValid, match="changed after it was signed"):
            verify(document, at=AT)

    @pytest.mark.parametrize(
        "change",
        [
            lambda told: told["payload"].pop("support_plan"),
            lambda told: told["payload"].update(more="1"),
            lambda told: told.update(signature="00" * 64),
            lambda told: told.update(signature=told["signature"][2:]),
            lambda told: told.update(signature="none"),
            lambda told: told.update(signature=""),
        ],
        ids=["field gone", "field added", "other signature", "short signature", "no hexadecimal", "no signature"],
    )
    def test_so_is_whatever_else_is_changed(self, issued, change):
        """P21"""
        with pytest.raises(NotValid, match="changed after it was signed"):
            verify(altered(issued.document, change), at=AT)

    @pytest.mark.parametrize(
        "change",
        [
            lambda told: told.update(version="2"),
            lambda told: told.update(more="1"),
            lambda told: told.update(signature=None),
            lambda told: told.update(payload=[]),
            lambda told: told["payload"].update(dataplanes=1),
            lambda told: told.clear(),
        ],
        ids=["version", "beside it", "signature", "payload", "number", "nothing"],
    )
    def test_what_has_another_form_is_none(self, issued, change):
        """P21"""
        with pytest.raises(NotValid, match="form of a license"):
            verify(altered(issued.document, change), at=AT)

    @pytest.mark.parametrize("text", ["", "license", b"\xff\xfe\x00", "[" * 100_000, "9" * 10_000, "{'license': 1}"])
    def test_what_is_not_json_is_none(self, text):
        """P21"""
        with pytest.raises(NotValid, match=r"not JSON|form of a license"):
            verify(text, at=AT)

    def test_a_field_given_twice_is_refused_since_readers_differ_in_which_they_take(self, issued):
        """P21"""
        twice = issued.document.replace('"payload": {', '"payload": {"license_expiration_date": "2099-01-01", ')

        with pytest.raises(NotValid, match="not JSON"):
            verify(twice, at=AT)

    def test_something_else_signed_with_the_key_is_no_license(self):
        """P21"""
        with pytest.raises(NotValid, match="what a license has to say"):
            verify(sign({"customer": "acme"}, signing_key()), at=AT)

    def test_laid_out_otherwise_it_is_still_the_same_license(self, issued):
        """P21: nodes keep it as they like."""
        pretty = json.dumps(json.loads(issued.document), indent=4, sort_keys=True)

        assert verify(pretty, at=AT) == verify(issued.document.encode(), at=AT)


class TestKeys:
    def test_after_a_rotation_the_old_key_verifies_and_the_new_one_signs(self, issued, globex, settings):
        """P22"""
        settings.LICENSE_PUBLIC_KEYS = [public_half(settings.LICENSE_SIGNING_KEY)]
        settings.LICENSE_SIGNING_KEY = new_key()
        globex.licenses.all().delete()
        signed_anew = provision_licenses([globex.pk], at=AT)[0]

        assert signed_anew.key_id != issued.key_id
        assert list(public_keys()) == [signed_anew.key_id, issued.key_id]
        assert verify(issued.document, at=AT).customer == str(issued.organization_id)
        assert verify(signed_anew.document, at=AT).customer == str(globex.pk)

    def test_a_key_that_is_not_known_verifies_nothing(self, issued, settings):
        """P21"""
        settings.LICENSE_SIGNING_KEY = new_key()

        with pytest.raises(NotValid, match="a key that is not known here"):
            verify(issued.document, at=AT)

    def test_a_document_that_names_another_known_key_is_refused(self, issued, settings):
        """P21"""
        settings.LICENSE_PUBLIC_KEYS = [public_half(settings.LICENSE_SIGNING_KEY)]
        settings.LICENSE_SIGNING_KEY = new_key()
        document = altered(issued.document, lambda told: told["payload"].update(key_id=signing_key().id))

        with pytest.raises(NotValid, match="changed after it was signed"):
            verify(document, at=AT)

    def test_where_licenses_are_only_verified_public_keys_do(self, issued, settings):
        """P21"""
        settings.LICENSE_PUBLIC_KEYS = [public_half(settings.LICENSE_SIGNING_KEY)]
        settings.LICENSE_SIGNING_KEY = "unused"

        assert verify(issued.document, at=AT).product == "Kong Gateway Enterprise"
        with pytest.raises(ImproperlyConfigured, match="LICENSE_SIGNING_KEY holds no key"):
            provision_licenses([issued.organization_id], at=AT)

    @pytest.mark.parametrize("text", ["", "secret", "ab" * 31, "ab" * 33, "zz" * 32])
    def test_a_setting_that_is_no_key_says_so(self, settings, text):
        """P22"""
        settings.LICENSE_PUBLIC_KEYS = [text]

        with pytest.raises(ImproperlyConfigured, match="64 hexadecimal digits"):
            public_keys()


class TestDeliveries:
    def test_the_live_license_for_the_product_is_delivered(self, acme, django_assert_num_queries):
        """P21"""
        with django_assert_num_queries(1):
            found = license_to_deliver(acme.pk, Product.MESH)

        assert (found.organization_id, found.product) == (acme.pk, "mesh")
        assert verify(found.document, at=found.issued_at).product == "Kong Mesh"

    def test_each_receiver_is_recorded_once_with_its_first_moment(self, acme, django_assert_num_queries):
        """P21"""
        license = acme.licenses.first()
        first, second = acme.pk, license.pk  # any two ids
        record_deliveries(license.pk, [first], AT)

        with django_assert_num_queries(1):
            record_deliveries(license.pk, [first, second, second], AT + SECOND)

        found = LicenseDelivery.objects.values_list("receiver_id", "delivered_at")
        assert set(found) == {(first, AT), (second, AT + SECOND)}


def test_a_deactivated_organization_has_none_to_deliver_and_a_reactivated_one_signed_new_ones(acme, lead):
    """P46, P50"""
    old = {each.document for each in acme.licenses.all()}
    deactivate_organizations([acme.pk], reason=Reason.FRAUD, actor=lead, via=Via.ADMIN, ticket="T-1")
    assert [license_to_deliver(acme.pk, product) for product in Product] == [None] * 3

    reactivate_organization(acme.pk, actor=lead, via=Via.ADMIN, note="n", ticket="T-2")

    new = [license_to_deliver(acme.pk, product) for product in Product]
    assert {verify(each.document, at=each.issued_at).customer for each in new} == {str(acme.pk)}
    assert old.isdisjoint(each.document for each in new)
