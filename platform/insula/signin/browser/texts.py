"""The texts of the sign-in pages. Each language is one value, so none can lack a text."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """The texts in one language. Those with a placeholder name it in braces."""

    language: str
    """The language's code, as in ``lang``."""

    skip: str
    back: str
    """With ``{brand}``."""

    account_links: str
    """The name of the navigation below a form."""

    sign_in: str
    continue_to: str
    """With ``{tenant}``."""

    email: str
    password: str
    forgot: str
    register: str
    resend: str

    refused: str
    unverified: str
    too_many: str
    email_invalid: str
    password_missing: str
    expired: str
    """The form was too old: its token fits no cookie."""

    choose: str
    choose_purpose: str
    chosen: str
    without_tenant: str
    keep: str
    not_yours: str
    none_to_choose: str
    """With ``{tenant}``: the account is no member of the tenant whose host name the visitor opened."""

    signed_in: str
    account: str
    tenant: str
    no_tenant: str
    another_tenant: str
    sign_out: str
    not_you: str

    signed_out: str
    signed_out_purpose: str
    sign_in_again: str

    end_session: str
    end_session_purpose: str
    stay: str

    consent: str
    consent_purpose: str
    """With ``{client}``."""

    consent_in: str
    """With ``{tenant}``."""

    consent_everything: str
    scope_openid: str
    scope_profile: str
    scope_email: str
    consent_leads_to: str
    """With ``{destination}``."""

    allow: str
    deny: str
    back_to_client: str
    continue_: str
    unknown_client: str

    failed: str
    foreign: str
    malformed: str
    open_page: str
