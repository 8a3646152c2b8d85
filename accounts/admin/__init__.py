from accounts.admin.approvals import ApprovalAdmin
from accounts.admin.bulk import BulkDeactivationAdmin
from accounts.admin.checks import CheckRunAdmin
from accounts.admin.control_planes import ControlPlaneAdmin
from accounts.admin.email_locks import EmailLockAdmin
from accounts.admin.geos import GeoUsageAdmin
from accounts.admin.organizations import OrganizationAdmin
from accounts.admin.people import PersonAdmin
from accounts.admin.staff import StaffAdmin

__all__ = [
    "ApprovalAdmin",
    "BulkDeactivationAdmin",
    "CheckRunAdmin",
    "ControlPlaneAdmin",
    "EmailLockAdmin",
    "GeoUsageAdmin",
    "OrganizationAdmin",
    "PersonAdmin",
    "StaffAdmin",
]
