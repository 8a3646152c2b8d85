"""The pages of customers."""

from django.urls import path

from accounts.views import home, organizations, tokens

urlpatterns = [
    # organizations
    path("", home.home, name="home"),
    path("organizations/", organizations.organizations, name="organizations"),
    path("organizations/<uuid:id>/enter/", organizations.enter, name="enter_organization"),
    # tokens
    path("account/tokens/", tokens.personal_tokens, name="personal_tokens"),
    path("account/tokens/new/", tokens.new_personal_token, name="new_personal_token"),
    path("account/tokens/<uuid:id>/revoke/", tokens.revoke_personal_token, name="revoke_personal_token"),
    path("organization/tokens/", tokens.system_accounts, name="system_accounts"),
    path("organization/tokens/new/", tokens.new_system_account, name="new_system_account"),
    path("organization/tokens/<uuid:account_id>/", tokens.system_account, name="system_account"),
    path("organization/tokens/<uuid:account_id>/new/", tokens.new_system_token, name="new_system_token"),
    path(
        "organization/tokens/<uuid:account_id>/<uuid:id>/revoke/",
        tokens.revoke_system_token,
        name="revoke_system_token",
    ),
]
