"""The sign-in pages in German."""

from typing import Final

from insula.signin.browser.texts import Texts

GERMAN: Final = Texts(
    language="de",
    skip="Zum Inhalt springen",
    back="Zurück zu {brand}",
    account_links="Konto",
    sign_in="Anmelden",
    continue_to="Weiter zu {tenant}.",
    email="E-Mail-Adresse",
    password="Passwort",  # noqa: S106 - a label
    forgot="Passwort vergessen",
    register="Konto anlegen",
    resend="Neuer Bestätigungslink",
    refused="E-Mail-Adresse oder Passwort ist falsch.",
    unverified="Diese Adresse ist noch nicht bestätigt. Öffnen Sie den Link in unserer E-Mail, oder fordern Sie einen "
    "neuen an.",
    too_many="Zu viele Versuche. Warten Sie eine Minute bis zum nächsten.",
    email_invalid="Geben Sie Ihre ganze Adresse ein, zum Beispiel ada@example.com.",
    password_missing="Geben Sie Ihr Passwort ein.",  # noqa: S106 - a message
    expired="Dieses Formular war veraltet. Versuchen Sie es noch einmal.",
    choose="Organisation auswählen",
    choose_purpose="Sie gehören zu mehreren. Sie können später wechseln.",
    chosen="jetzt ausgewählt",
    without_tenant="Ohne Organisation fortfahren",
    keep="Bei der jetzigen bleiben",
    not_yours="Sie sind kein Mitglied dieser Organisation, oder sie ist gesperrt. Wählen Sie eine andere.",
    none_to_choose="Dieses Konto ist kein Mitglied von {tenant}, oder die Organisation ist gesperrt.",
    signed_in="Sie sind angemeldet",
    account="Konto",
    tenant="Organisation",
    no_tenant="keine",
    another_tenant="Andere Organisation auswählen",
    sign_out="Abmelden",
    not_you="Das sind nicht Sie? Melden Sie sich ab, und melden Sie sich mit Ihrem eigenen Konto an.",
    signed_out="Sie sind abgemeldet",
    signed_out_purpose="Dieser Browser hat keinen Zugriff mehr auf Ihr Konto.",
    sign_in_again="Wieder anmelden",
    end_session="Abmelden?",
    end_session_purpose="Eine Anwendung bittet Sie, sich in diesem Browser abzumelden. Die Anwendungen, die Sie mit "
    "diesem Konto geöffnet haben, verlieren dann ihren Zugriff.",
    stay="Angemeldet bleiben",
    consent="Zugriff erlauben?",
    consent_purpose="{client} bittet um Zugriff auf Ihr Konto. Damit wäre möglich:",
    consent_in="in {tenant}",
    consent_everything="alles tun, was Sie dürfen",
    scope_openid="Sie wiedererkennen",
    scope_profile="Ihren Namen sehen",
    scope_email="Ihre E-Mail-Adresse sehen",
    consent_leads_to="Danach geht es zu {destination}. Sie können den Zugriff jederzeit zurücknehmen.",
    allow="Erlauben",
    deny="Nicht erlauben",
    back_to_client="Zurück zur Anwendung",
    continue_="Weiter",
    unknown_client="Die Anwendung, von der Sie kommen, ist nicht bekannt, oder sie hat eine falsche Adresse gesendet. "
    "Wenden Sie sich an ihren Betreiber.",
    failed="Das hat nicht geklappt",
    foreign="Das Formular kam von einer anderen Website, oder Ihr Browser verbirgt seine Herkunft. Öffnen Sie unsere "
    "Seite und versuchen Sie es noch einmal.",
    malformed="Ihr Browser hat das Formular unvollständig gesendet. Öffnen Sie die Seite neu und versuchen Sie es noch "
    "einmal.",
    open_page="Unsere Seite öffnen",
)
