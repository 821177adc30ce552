from insula.access import EVERYBODY, Permission


class Action(Permission):
    """What callers may do with plans."""

    READ = "plan:read", "See the plans on offer", EVERYBODY
