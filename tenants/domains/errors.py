from insula.core.errors import AppError


class DomainExists(AppError):
    """This tenant has claimed the host already."""

    code, status = "domain_exists", 409


class HostReserved(AppError):
    """This host name belongs to the installation."""

    code, status = "host_reserved", 422


class DomainNotProved(AppError):
    """The DNS does not contain the record that proves this host."""

    code, status = "domain_not_proved", 409
