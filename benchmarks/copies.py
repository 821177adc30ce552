"""Tables of items that no trigger counts, in schemas of their own: for contestants that write without the product.

They are copied from the twin's tables, with the same rows, indexes and foreign keys.
"""

from typing import Final

BY_HAND: Final = "by_hand"
PLAIN: Final = "plain"
_ITEMS: Final = """
    CREATE SCHEMA {schema};
    GRANT USAGE ON SCHEMA {schema} TO {role};
    CREATE TABLE {schema}.project_item (LIKE public.project_item INCLUDING ALL);
    INSERT INTO {schema}.project_item SELECT * FROM public.project_item;
    DO $$ DECLARE key record; BEGIN
        FOR key IN SELECT conname, pg_get_constraintdef(oid) AS definition FROM pg_constraint
            WHERE conrelid = 'public.project_item'::regclass AND contype = 'f'
        LOOP
            EXECUTE format('ALTER TABLE {schema}.project_item ADD CONSTRAINT %I %s', key.conname, key.definition);
        END LOOP;
    END $$;
    GRANT SELECT, INSERT, UPDATE ON {schema}.project_item TO {role};
"""
_COUNTER: Final = """
    CREATE TABLE by_hand.counter (
        tenant_id uuid PRIMARY KEY,
        used bigint NOT NULL,
        granted bigint NOT NULL
    ) WITH (fillfactor = 50);
    INSERT INTO by_hand.counter
    SELECT tenant_id, (SELECT count(*) FROM public.project_item AS item WHERE item.tenant_id = granted.tenant_id), value
    FROM public.entitlement AS granted WHERE key = 'items';
    GRANT SELECT, UPDATE ON by_hand.counter TO {role};
"""
_WITHOUT_TENANTS: Final = """
    ALTER TABLE plain.project_item DROP COLUMN tenant_id CASCADE, ALTER COLUMN version SET DEFAULT 1;
"""


def by_hand(role: str) -> str:
    """Return SQL that makes the tables of ``asyncpg_writes``: items, and a counter of each tenant's items."""
    return (_ITEMS + _COUNTER).format(schema=BY_HAND, role=role)


def plain(role: str) -> str:
    """Return SQL that makes the table of ``sqlmodel`` and ``orm_plain``: items without a tenant."""
    return (_ITEMS + _WITHOUT_TENANTS).format(schema=PLAIN, role=role)
