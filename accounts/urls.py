"""The pages of people and organizations."""

from django.urls import path

from accounts.views import (
    account,
    deleting,
    home,
    invitations,
    joining,
    organizations,
    owning,
    people,
    recovery,
    settings,
    signin,
    signup,
    tokens,
)

urlpatterns = [
    # sign-up
    path("signup/", signup.ask, name="sign_up"),
    path("signup/<secret>/", signup.finish, name="finish_sign_up"),
    path("organizations/new/", signup.new_organization, name="new_organization"),
    path("join/<secret>/", joining.join, name="join"),
    # sign-in
    path("login/", signin.sign_in, name="account_login"),
    path("login/second-factor/", signin.second_factor, name="mfa_authenticate"),
    path("login/passkey/", signin.passkey, name="mfa_login_webauthn"),
    path("logout/", signin.sign_out, name="account_logout"),
    path("password/reset/", signin.request_reset, name="account_reset_password"),
    path("password/reset/<uidb64>/<token>/", signin.ResetPassword.as_view(), name="reset_password"),
    # my account
    path("account/", account.overview, name="account"),
    path("account/name/", account.name, name="account_name"),
    path("account/address/", account.address, name="account_address"),
    path("account/address/<link>/", account.confirm_address, name="account_confirm_address"),
    path("account/password/", account.password, name="account_change_password"),
    path("account/delete/", deleting.delete, name="account_delete"),
    path("account/deleted/", deleting.deleted, name="account_deleted"),
    path("account/sessions/", account.sessions, name="account_sessions"),
    path("account/confirm/", account.confirm, name="account_reauthenticate"),
    path("account/confirm/code/", account.confirm_by_code, name="mfa_reauthenticate"),
    path("account/confirm/passkey/", account.confirm_by_passkey, name="mfa_reauthenticate_webauthn"),
    path("account/second-factor/", account.second_factor, name="mfa_index"),
    path("account/second-factor/app/", account.add_app, name="mfa_activate_totp"),
    path("account/second-factor/app/remove/", account.remove_app, name="mfa_deactivate_totp"),
    path("account/second-factor/recovery-codes/", account.recovery_codes, name="mfa_view_recovery_codes"),
    path("account/second-factor/recovery-codes/new/", account.new_codes, name="mfa_generate_recovery_codes"),
    path("account/second-factor/passkeys/add/", account.add_passkey, name="mfa_add_webauthn"),
    path("account/second-factor/passkeys/<int:pk>/remove/", account.remove_passkey, name="mfa_remove_webauthn"),
    path("account/recovery/", recovery.waiting, name="waiting_recovery"),
    path("account/recovery/stop/<link>/", recovery.stop, name="stop_recovery"),
    path("account/recovery/prove/<link>/", recovery.prove, name="prove_recovery"),
    # organizations
    path("", home.home, name="home"),
    path("organizations/", organizations.organizations, name="organizations"),
    path("organizations/<uuid:id>/enter/", organizations.enter, name="enter_organization"),
    path("account/organizations/", organizations.memberships, name="account_organizations"),
    path("account/leave/<uuid:id>/", organizations.leave_for_good, name="leave"),
    # people
    path("organization/users/", people.people, name="people"),
    path("organization/users/<uuid:id>/remove/", people.remove, name="remove_person"),
    path("organization/users/invite/", invitations.invite, name="invite"),
    path("organization/users/invitations/", invitations.invitations, name="invitations"),
    path("organization/users/invitations/<uuid:id>/resend/", invitations.resend, name="resend_invitation"),
    path("organization/users/invitations/<uuid:id>/revoke/", invitations.revoke, name="revoke_invitation"),
    # settings
    path("organization/settings/", settings.general, name="settings"),
    path("organization/settings/contact/", settings.contact, name="contact"),
    path("organization/settings/contact/cancel/", settings.cancel_contact, name="cancel_contact"),
    path("organization/settings/contact/<link>/", settings.confirm_contact, name="confirm_contact"),
    path("organization/settings/owner/", owning.hand_over, name="hand_over"),
    path("organization/settings/deactivate/", owning.deactivate, name="deactivate"),
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
