"""Views that others made over the published tables in PostgreSQL.

A view is bound to its tables, not to their names: at a swap it would go on with the
former ones and go with them. What makes views follow stands here; keep the tables of a
publication out, they are ``postgres``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import LiteralString

import psycopg
from psycopg import errors
from psycopg.rows import class_row

from warehouse.publish import PublishError

# What is bound to the relations of some schemas or to their row types, and the
# materialized views over it (is_bound is false). Indexes, statistics and triggers go
# with their table; they do not depend on it in this sense ('n').
FIND: LiteralString = """
    with recursive ours as (
        select relation.oid, relation.reltype, row_type.typarray
        from pg_class as relation
        join pg_namespace as namespace on relation.relnamespace = namespace.oid
        left join pg_type as row_type on relation.reltype = row_type.oid
        where namespace.nspname = any(%(schemas)s)
    ),

    bound as (
        select distinct
            rule.ev_class as oid,
            pg_describe_object(
                depending.classid, depending.objid, depending.objsubid
            ) as described
        from pg_depend as depending
        join ours
            on (
                depending.refclassid = 'pg_class'::regclass
                and depending.refobjid = ours.oid
            ) or (
                depending.refclassid = 'pg_type'::regclass
                and depending.refobjid in (ours.reltype, ours.typarray)
            )
        left join pg_rewrite as rule
            on depending.classid = 'pg_rewrite'::regclass
            and depending.objid = rule.oid
            and rule.rulename = '_RETURN'
        where depending.deptype = 'n'
    ),

    above as (
        select oid from bound where oid is not null
        union
        select rule.ev_class
        from above
        join pg_depend as depending
            on depending.refclassid = 'pg_class'::regclass
            and depending.refobjid = above.oid
            and depending.deptype = 'n'
        join pg_rewrite as rule
            on depending.classid = 'pg_rewrite'::regclass
            and depending.objid = rule.oid
            and rule.rulename = '_RETURN'
    )

    select
        relation.oid,
        coalesce(relation.oid::regclass::text, bound.described) as name,
        'alter '
        || case relation.relkind when 'm' then 'materialized view ' else 'view ' end
        || relation.oid::regclass
        || ' owner to '
        || quote_ident(pg_get_userbyid(relation.relowner)) as locking,
        relation.relkind = 'm' as is_materialized,
        bound.described is not null as is_bound,
        relation.oid in (select oid from ours) as is_inside,
        pg_has_role(relation.relowner, 'usage') as is_changeable,
        pg_get_userbyid(relation.relowner) as owner,
        current_user::text as publisher
    from above
    full join bound on above.oid = bound.oid
    left join pg_class as relation on above.oid = relation.oid
    where bound.described is not null or relation.relkind = 'm'
    order by relation.oid, name
"""

# The statements that make a view anew, as PostgreSQL writes and quotes them. A view is
# replaced in place and keeps its owner, grants, comments and what reads it; a
# materialized one cannot be. It is filled by `refresh`, which runs as its owner: the
# functions that it calls must not have the publisher's rights.
STATEMENTS: LiteralString = """
    with relation as (
        select
            oid,
            oid::regclass as name,
            relowner,
            relacl,
            relispopulated,
            rtrim(pg_get_viewdef(oid), ';') as query,
            (
                select ' with (' || string_agg(
                    format('%%I = %%L', option_name, option_value), ', '
                ) || ')'
                from pg_options_to_table(reloptions)
            ) as options
        from pg_class
        where oid = %(oid)s
    ),

    written (ways, place, statement) as (
        select '{replacing}'::text[], 0, format(
            'create or replace view %%s%%s as %%s', name, options, query
        )
        from relation
        union all
        select '{remaking}', 1, format('drop materialized view %%s', name)
        from relation
        union all
        select '{remaking}', 2, format(
            'create materialized view %%s%%s as %%s with no data', name, options, query
        )
        from relation
        union all
        select '{remaking}', 3, format(
            'alter materialized view %%s owner to %%I', name, pg_get_userbyid(relowner)
        )
        from relation
        union all
        select '{remaking}', 4, pg_get_indexdef(indexrelid)
        from relation
        join pg_index on relation.oid = indrelid
        union all
        select '{remaking}', 5, format(
            'grant %%s on %%s to %%s%%s',
            privilege_type,
            name,
            case
                when grantee = 0 then 'public'
                else quote_ident(pg_get_userbyid(grantee))
            end,
            case when is_grantable then ' with grant option' end
        )
        from relation, aclexplode(relacl)
        where grantee <> relowner
        union all
        select '{remaking}', 6, format(
            'comment on %%s %%s%%s is %%L',
            case when objsubid = 0 then 'materialized view' else 'column' end,
            name,
            (
                select format('.%%I', attname) from pg_attribute
                where attrelid = objoid and attnum = objsubid and objsubid > 0
            ),
            description
        )
        from relation
        join pg_description
            on relation.oid = objoid and classoid = 'pg_class'::regclass
        union all
        select '{remaking, refreshing}', 7, format(
            'refresh materialized view %%s', name
        )
        from relation
        where relispopulated
    )

    select statement from written
    where %(way)s = any(ways)
    order by place, statement
"""


@dataclass(frozen=True)
class View:
    """A view of somebody else, or what else is bound to the tables.

    Attributes
    ----------
    oid : int or None
        None for what is no view.
    name : str
        With its schema, as SQL writes it; a description for what is no view.
    locking : str or None
        Statement that locks it and changes nothing.
    is_bound : bool
        It reads a published table itself, not only through another view.
    is_inside : bool
        It stands in a schema of the publication.
    is_changeable : bool or None
        The publisher has the rights of its owner.
    """

    oid: int | None
    name: str
    locking: str | None
    is_materialized: bool | None
    is_bound: bool
    is_inside: bool | None
    is_changeable: bool | None
    owner: str | None
    publisher: str

    @property
    def way(self) -> str:
        """How it follows: the statements of ``STATEMENTS`` that are for it."""
        if not self.is_materialized:
            return "replacing"
        return "remaking" if self.is_bound else "refreshing"


def find_views(target: psycopg.Connection, schemas: Sequence[str]) -> list[View]:
    """Return the views that must follow when the tables of schemas are swapped.

    Raises
    ------
    PublishError
        Something is bound to the tables that cannot follow them.
    """
    # So that PostgreSQL writes every name with its schema.
    target.execute("set local search_path = ''")
    with target.cursor(row_factory=class_row(View)) as cursor:
        found = cursor.execute(FIND, {"schemas": list(schemas)}).fetchall()
    for view in found:
        if view.oid is None:
            raise PublishError(
                f"{view.name} is bound to a published table and cannot follow to the "
                "next publication: drop it, then publish again"
            )
        if view.is_inside:
            raise PublishError(
                f"the view {view.name} stands in a schema of the publication, which is "
                "replaced: move it to another schema or drop it, then publish again"
            )
        if not view.is_changeable:
            raise PublishError(
                f"the view {view.name} reads published tables and cannot follow to the "
                f"next publication: have `grant {view.owner} to {view.publisher}` run "
                "by an administrator or drop the view, then publish again"
            )
    return found


def lock_views(target: psycopg.Connection, views: Sequence[View]) -> None:
    """Lock views, before their tables as who reads them does.

    ``lock table`` would ask that their owners may write to the tables.

    Raises
    ------
    PublishError
        One is a temporary view of another session.
    """
    run_statements(target, [(view, view.locking) for view in views if view.locking])


def write_statements(
    target: psycopg.Connection, views: Sequence[View]
) -> list[tuple[View, str]]:
    """Return what makes views anew, to be run once the names lead to new tables.

    Plain views first: a materialized one may read them.
    """
    written = [
        (view, statement)
        for view in sorted(views, key=lambda view: bool(view.is_materialized))
        for (statement,) in target.execute(
            STATEMENTS, {"oid": view.oid, "way": view.way}
        ).fetchall()
    ]
    return sorted(written, key=lambda pair: pair[1].startswith("refresh "))


def run_statements(
    target: psycopg.Connection, written: Sequence[tuple[View, str]]
) -> None:
    """Make views anew.

    Raises
    ------
    PublishError
        One cannot be made over the new tables.
    """
    for view, statement in written:
        try:
            target.execute(statement.encode())
        except (errors.LockNotAvailable, errors.DeadlockDetected):
            raise
        except psycopg.Error as error:
            raise PublishError(
                f"the view {view.name} cannot be made over the new tables "
                f"({error.diag.message_primary}): change or drop it, then publish again"
            ) from None
