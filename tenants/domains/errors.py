from insula.core.errors import AppError, Retry


class DomainExists(AppError):
    """This tenant has claimed the host already."""

    code, status = "domain_exists", 409
    meaning = "A tenant can claim each host name once."
    cure = "Use the domain that is already in the list of domains."
    retry = Retry.NO


class HostReserved(AppError):
    """This host name belongs to the installation."""

    code, status = "host_reserved", 422
    meaning = "The host name is one of this installation's own names, or below one of them."
    cure = "Enter a domain that belongs to your organisation."
    retry = Retry.NO


class DomainNotProved(AppError):
    """The DNS does not contain the record that proves this host."""

    code, status = "domain_not_proved", 409
    meaning = (
        "The TXT record that proves the domain could not be found. A new record can take minutes, sometimes hours, to "
        "be visible everywhere."
    )
    cure = "Add the TXT record that the domain's own representation shows, wait until it is visible, and verify again."
    retry = Retry.NO
