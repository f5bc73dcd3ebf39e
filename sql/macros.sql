-- Macros that every publication carries; call them from any query on the published file.
-- The archive's macros for single tables (archive.<table>_as_published) are made beside
-- these, one for each archived table.

-- Return of several periods from the returns of each, NULL periods left out.
create macro compound_return(period_return) as product(1 + period_return) - 1;

-- Geometric return a year of daily returns, 242 trading days a year.
create macro annualised_return(daily_return) as
    power(product(1 + daily_return), 242.0 / count(daily_return)) - 1;

-- Last trading day of the last complete exchange week.
create macro latest_week() as (
    select max(w.trade_week)
    from core.dim_trade_week as w
    where w.is_complete
);

-- Last trading day that is loaded.
create macro latest_day() as (
    select max_by(p.as_of_date, p.publication_id)
    from meta.meta_publication as p
);

-- Exchange week (its last trading day) of any calendar day, Monday to Sunday; NULL in a
-- week without trading and outside the calendar.
create macro week_of(calendar_day) as (
    select max(w.trade_week)
    from core.dim_trade_week as w
    where
        w.trade_week between
        cast(calendar_day as date) + 1 - cast(isodow(cast(calendar_day as date)) as integer)
        and cast(calendar_day as date) + 7 - cast(isodow(cast(calendar_day as date)) as integer)
);

-- Industry system of the diffusion index: CITIC level 1 where it is loaded.
create macro default_industry_system() as (
    select min(d.industry_system)
    from diffusion.fct_diffusion_index_weekly as d
);

-- The monthly diffusion rotation on the industry system that is loaded.
create macro default_strategy() as (
    select min(h.strategy_code)
    from rotation.fct_rotation_holding as h
    where
        starts_with(h.strategy_code, 'diffusion_monthly')
        and not contains(h.strategy_code, 'paper')
);

-- Members of every industry of a system on a day.
create macro industry_members_on(wanted_system, wanted_day) as table
select
    m.industry_code,
    m.security_code,
    m.valid_from,
    m.valid_to
from core.dim_industry_member as m
where
    m.industry_system = wanted_system
    and m.valid_from <= cast(wanted_day as date)
    and (m.valid_to is null or m.valid_to > cast(wanted_day as date));

-- Exchange time (Asia/Shanghai, eight hours ahead all year) of a time with a zone; a
-- time without one is taken as exchange time.
create macro exchange_time(moment) as
    case
        when typeof(moment) = 'TIMESTAMP WITH TIME ZONE'
            then make_timestamp(
                epoch_us(cast(moment as timestamp with time zone)) + 28800000000
            )
        else cast(moment as timestamp)
    end;

-- The publication in force at a time; a date without a time means the end of that day.
create macro archive.as_published(evening) as table
select
    p.publication_id,
    p.published_at,
    p.as_of_date,
    p.code_version,
    p.content_hash
from meta.meta_publication as p
where
    p.published_at < exchange_time(evening) + case
        when exchange_time(evening) = date_trunc('day', exchange_time(evening))
            then interval 1 day
        else interval 1 microsecond
    end
order by p.publication_id desc
limit 1;
