from django.contrib.admin.apps import AdminConfig


class SupportAdminConfig(AdminConfig):
    """The admin with the portal's own site in place of the framework's."""

    default_site = "accounts.desk.site.SupportSite"
