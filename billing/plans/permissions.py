from insula.access import EVERYBODY, Permission


class Action(Permission):
    """Permissions on plans."""

    READ = "plan:read", "See the plans on offer", EVERYBODY
