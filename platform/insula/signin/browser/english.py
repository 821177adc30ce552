"""The sign-in pages in English."""

from typing import Final

from insula.signin.browser.texts import Texts

ENGLISH: Final = Texts(
    language="en",
    skip="Skip to the content",
    back="Back to {brand}",
    account_links="Account",
    sign_in="Sign in",
    continue_to="Continue to {tenant}.",
    email="Email",
    password="Password",  # noqa: S106 - a label
    forgot="Forgotten password",
    register="Create an account",
    resend="New confirmation link",
    refused="Email or password is wrong.",
    unverified="This address is not confirmed yet. Open the link in our email, or ask for a new one.",
    too_many="Too many attempts. Wait a minute before the next one.",
    email_invalid="Write your whole address, such as ada@example.com.",
    password_missing="Write your password.",  # noqa: S106 - a message
    expired="This form was out of date. Try once more.",
    choose="Choose an organisation",
    choose_purpose="You belong to more than one. You can change it later.",
    chosen="chosen now",
    without_tenant="Continue without one",
    keep="Keep the present one",
    not_yours="You are not a member of this organisation, or it is suspended. Choose another one.",
    none_to_choose="This account is not a member of {tenant}, or the organisation is suspended.",
    signed_in="You are signed in",
    account="Account",
    tenant="Organisation",
    no_tenant="none",
    another_tenant="Choose another organisation",
    sign_out="Sign out",
    not_you="Not you? Sign out, and sign in with your own account.",
    signed_out="You are signed out",
    signed_out_purpose="This browser has no access to your account any more.",
    sign_in_again="Sign in again",
    failed="This did not work",
    foreign="The form came from another site, or your browser hides where it came from. Open our page and try again.",
    malformed="Your browser has sent the form incompletely. Open the page again and try once more.",
    open_page="Open our page",
)
