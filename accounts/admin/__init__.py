from accounts.admin.checks import CheckRunAdmin
from accounts.admin.email_locks import EmailLockAdmin
from accounts.admin.organizations import OrganizationAdmin
from accounts.admin.people import PersonAdmin
from accounts.admin.staff import StaffAdmin

__all__ = ["CheckRunAdmin", "EmailLockAdmin", "OrganizationAdmin", "PersonAdmin", "StaffAdmin"]
