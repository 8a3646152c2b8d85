"""What the database holds beyond Django's constraints: one organization per row's references, and a past that stays."""

from django.db import migrations

from konnect_portal.foundation.append_only import append_only
from konnect_portal.foundation.fields import composite_key


def same_organization(table: str, column: str, target: str, target_columns: str = "organization_id, id"):
    return migrations.RunSQL(*composite_key(table, f"organization_id, {column}", target, target_columns))


MEMBER = ("accounts_membership", "organization_id, user_id")

# Staff belong to no organization (P70): a member's key asks for a person whose is_staff is false.
NO_STAFF = migrations.RunSQL(
    """
    ALTER TABLE accounts_membership ADD COLUMN user_is_staff boolean GENERATED ALWAYS AS (false) STORED;
    ALTER TABLE accounts_membership ADD CONSTRAINT membership_of_no_staff FOREIGN KEY (user_id, user_is_staff)
        REFERENCES accounts_user (id, is_staff) DEFERRABLE INITIALLY DEFERRED
    """,
    """
    ALTER TABLE accounts_membership DROP CONSTRAINT membership_of_no_staff;
    ALTER TABLE accounts_membership DROP COLUMN user_is_staff
    """,
)

# The owner of an active organization is one of its members (P2); of an inactive one need not be any more (P56).
OWNER_IS_MEMBER = migrations.RunSQL(
    """
    ALTER TABLE accounts_organization ADD COLUMN active_owner_id uuid
        GENERATED ALWAYS AS (CASE WHEN state = 'active' THEN owner_id END) STORED;
    ALTER TABLE accounts_organization ADD CONSTRAINT organization_owner_is_member FOREIGN KEY (id, active_owner_id)
        REFERENCES accounts_membership (organization_id, user_id) DEFERRABLE INITIALLY DEFERRED
    """,
    """
    ALTER TABLE accounts_organization DROP CONSTRAINT organization_owner_is_member;
    ALTER TABLE accounts_organization DROP COLUMN active_owner_id
    """,
)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]

    operations = [
        NO_STAFF,
        OWNER_IS_MEMBER,
        same_organization("accounts_teammembership", "team_id", "accounts_team"),
        same_organization("accounts_teammembership", "user_id", *MEMBER),
        same_organization("accounts_teammembership", "system_account_id", "accounts_systemaccount"),
        same_organization("accounts_roleassignment", "team_id", "accounts_team"),
        same_organization("accounts_roleassignment", "user_id", *MEMBER),
        same_organization("accounts_roleassignment", "system_account_id", "accounts_systemaccount"),
        same_organization("accounts_accesstoken", "user_id", *MEMBER),
        same_organization("accounts_accesstoken", "system_account_id", "accounts_systemaccount"),
        append_only("accounts_lifecycleevent"),
        append_only("accounts_casenote"),
    ]
