"""The key ring's statements on ``signing_key``."""

from typing import Final

from sqlalchemy import TextClause, text

# Any process that makes or retires a key holds this lock until its transaction ends.
LOCK: Final[TextClause] = text("select pg_advisory_xact_lock(hashtext('insula'), hashtext('signing_key'))")

PUBLIC: Final[TextClause] = text("""
    select kid, cast(public_jwk as text) as public_jwk from signing_key
    where algorithm = 'RS256' and (retired_at is null or retired_at > :horizon)
    order by created_at desc
""")

NEWEST_PRIVATE: Final[TextClause] = text("""
    select kid, private_sealed from signing_key
    where algorithm = 'RS256' and retired_at is null
    order by created_at desc limit 1
""")

SIGNING: Final[TextClause] = text("""
    select kid, private_sealed from signing_key where algorithm = 'RS256' and retired_at is null
""")

INSERT: Final[TextClause] = text("""
    insert into signing_key (kid, algorithm, public_jwk, private_sealed, created_at)
    values (:kid, :algorithm, cast(:public_jwk as jsonb), :private_sealed, :now)
""")

RETIRE: Final[TextClause] = text("""
    update signing_key set retired_at = :retired_at where retired_at is null or retired_at > :retired_at
""")

REWRAP: Final[TextClause] = text("update signing_key set private_sealed = :private_sealed where kid = :kid")
