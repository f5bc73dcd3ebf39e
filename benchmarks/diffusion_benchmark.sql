-- The diffusion index by day and the float-cap industry return by exchange week, from
-- the real files alone: the formulas of dbt_project/models/{intermediate,marts}, narrowed
-- to the columns that these two tables need. $folder is the folder of the files.

create temp table trading_day as
select
    trade_date,
    cast(row_number() over (order by trade_date) as integer) as day_index,
    max(trade_date) over (partition by date_trunc('week', trade_date)) as trade_week,
    cast(date_trunc('quarter', trade_date + 1) as date) - 1 as last_quarter_end,
from (
    select distinct date as trade_date
    from read_parquet([
        $folder || '/daily_2010_2020.parquet', $folder || '/daily_2021_2024.parquet'
    ])
);

create temp table stock as
select
    code,
    cast(row_number() over (order by code) as integer) as stock_index,
from (
    select distinct code
    from read_parquet([
        $folder || '/daily_2010_2020.parquet', $folder || '/daily_2021_2024.parquet'
    ])
);

-- What is known of a day: nothing on a suspended one, which has a flat bar without volume
-- or none at all. Turnover is stated from 2021 on, in per cent x 100.
create temp table bar as
with daily as (
    select
        code,
        date,
        close_cents,
        volume,
        adj_factor,
        cast(null as integer) as turnover_pct_x100,
    from read_parquet($folder || '/daily_2010_2020.parquet')
    union all
    select
        code,
        date,
        close_cents,
        volume,
        adj_factor,
        turnover_pct_x100,
    from read_parquet($folder || '/daily_2021_2024.parquet')
)

select
    stock.stock_index,
    trading_day.day_index,
    cast(daily.adj_factor as double) as adjust_factor,
    case
        when daily.volume > 0
            then daily.close_cents / 100.0 * cast(daily.adj_factor as double)
    end as adjusted_close,
    case
        when daily.volume > 0 and daily.turnover_pct_x100 > 0
            then daily.volume / (daily.turnover_pct_x100 / 1e4)
    end as float_shares,
from daily
inner join trading_day on daily.date = trading_day.trade_date
inner join stock on daily.code = stock.code;

-- Rows become days, so that the frames below can count rows, which is twice as fast as
-- looking for the days of a range. Few stocks lack a bar after their first.
insert into bar by name
with lifetime as (
    select
        stock_index,
        cast(
            unnest(range(min(day_index), (select count(*) + 1 from trading_day)))
            as integer
        ) as day_index,
    from bar
    group by stock_index
    having count(*) <= (select count(*) from trading_day) - min(day_index)
),

factor_day as (
    select
        lifetime.stock_index,
        lifetime.day_index,
        bar.day_index is null as is_missing,
        last_value(bar.adjust_factor ignore nulls) over (
            partition by lifetime.stock_index
            order by lifetime.day_index
            rows between unbounded preceding and current row
        ) as adjust_factor,
    from lifetime
    left join bar
        on
            lifetime.stock_index = bar.stock_index
            and lifetime.day_index = bar.day_index
)

select
    stock_index,
    day_index,
    adjust_factor,
from factor_day
where is_missing;

-- Shares follow from the market value of a quarter's end and the last close of the 30
-- days until then; they hold from the first trading day at or after the quarter's end.
create temp table total_shares as
with quarter as (
    select
        code,
        quarter_end,
        cast(total_mv as double) * 1e4 as market_cap_cny,
    from read_parquet($folder || '/quarterly_fundamentals_2015_2024.parquet')
    where
        total_mv > 0
        and quarter_end = last_day(quarter_end)
        and month(quarter_end) in (3, 6, 9, 12)
),

quarter_day as (
    select
        quarter.quarter_end,
        trading_day.trade_date,
    from (select distinct quarter_end from quarter) as quarter
    inner join trading_day
        on
            trading_day.trade_date <= quarter.quarter_end
            and trading_day.trade_date > quarter.quarter_end - 30
),

quarter_close as (
    select
        daily.code,
        quarter_day.quarter_end,
        arg_max(daily.close_cents, daily.date) / 100.0 as close_cny,
    from read_parquet([
        $folder || '/daily_2010_2020.parquet', $folder || '/daily_2021_2024.parquet'
    ]) as daily
    inner join quarter_day on daily.date = quarter_day.trade_date
    group by daily.code, quarter_day.quarter_end
),

share as (
    select
        stock.stock_index,
        quarter.quarter_end,
        quarter.market_cap_cny / quarter_close.close_cny as total_shares,
    from quarter
    inner join quarter_close
        on
            quarter.code = quarter_close.code
            and quarter.quarter_end = quarter_close.quarter_end
    inner join stock on quarter.code = stock.code
)

-- A row for every stock and quarter: equality finds it, where ranges would be searched.
select
    listed.stock_index,
    quarter_day.quarter_end,
    last_value(share.total_shares ignore nulls) over (
        partition by listed.stock_index
        order by quarter_day.quarter_end
        rows between unbounded preceding and current row
    ) as total_shares,
from (select distinct last_quarter_end as quarter_end from trading_day) as quarter_day
cross join (select distinct stock_index from share) as listed
left join share
    on
        listed.stock_index = share.stock_index
        and quarter_day.quarter_end = share.quarter_end;

-- Shenwan level 1 under the codes of 2021; level 2 splits two industries of 2014.
create temp table industry_member as
with history as (
    select
        code,
        start_date,
        sw_code,
        -- a first listing and the two schemes are known on the day, a move a month later
        case
            when
                start_date in (date '2014-02-21', date '2021-07-30')
                or row_number() over (partition by code order by start_date) = 1
                then start_date
            else cast(start_date + interval 1 month as date)
        end as known_date,
    from read_parquet($folder || '/shenwan_industry_history.parquet')
),

ranged as (
    select
        *,
        coalesce(
            min(known_date) over (
                partition by code order by start_date
                rows between 1 following and unbounded following
            ),
            date '2100-01-01'
        ) as superseded_date,
    from history
),

named as (
    select
        code,
        known_date,
        superseded_date,
        case
            when start_date < date '2021-07-30' and sw_code like '2102%'
                then '801950.SI'
            when start_date < date '2021-07-30' and sw_code like '2103%'
                then '801040.SI'
            when
                start_date < date '2021-07-30'
                and (sw_code like '21%' or sw_code like '2201%')
                then '801960.SI'
            else
                map {
                    '11': '801010.SI', '22': '801030.SI', '23': '801040.SI',
                    '24': '801050.SI', '27': '801080.SI', '28': '801880.SI',
                    '33': '801110.SI', '34': '801120.SI', '35': '801130.SI',
                    '36': '801140.SI', '37': '801150.SI', '41': '801160.SI',
                    '42': '801170.SI', '43': '801180.SI', '45': '801200.SI',
                    '46': '801210.SI', '48': '801780.SI', '49': '801790.SI',
                    '51': '801230.SI', '61': '801710.SI', '62': '801720.SI',
                    '63': '801730.SI', '64': '801890.SI', '65': '801740.SI',
                    '71': '801750.SI', '72': '801760.SI', '73': '801770.SI',
                    '74': '801950.SI', '75': '801960.SI', '76': '801970.SI',
                    '77': '801980.SI'
                }[left(sw_code, 2)]
        end as industry_code,
    from ranged
    where superseded_date > known_date
)

select
    stock.stock_index,
    named.industry_code,
    first_day.day_index as from_index,
    coalesce(next_day.day_index, 1000000) as to_index,
from named
inner join stock on named.code = stock.code
asof inner join trading_day as first_day on named.known_date <= first_day.trade_date
asof left join trading_day as next_day on named.superseded_date <= next_day.trade_date
where named.industry_code is not null;

-- The median over 21 exchange days takes the rounding of the turnover out.
create temp table known as
with first_estimate as (
    select min(day_index) as day_index,
    from bar
    where float_shares is not null
)

select
    bar.stock_index,
    bar.day_index,
    bar.adjust_factor,
    bar.adjusted_close,
    cast(null as double) as float_shares,
    bar.adjusted_close is null as is_lacking,
from bar
inner join first_estimate on bar.day_index < first_estimate.day_index
union all
select
    bar.stock_index,
    bar.day_index,
    bar.adjust_factor,
    bar.adjusted_close,
    case
        when bar.float_shares is not null then median(bar.float_shares) over (
            partition by bar.stock_index
            order by bar.day_index
            rows between 20 preceding and current row
        )
    end as float_shares,
    bar.adjusted_close is null or bar.float_shares is null as is_lacking,
from bar
inner join first_estimate on bar.day_index >= first_estimate.day_index;

-- What a day lacks is carried from the last day that has it. One day in eight lacks
-- something: only they and the days before them are sorted.
create temp table held as
with lacking as (
    select
        stock_index,
        day_index - 1 as previous_day_index,
    from known
    where is_lacking
),

at_gap as (
    select * from known where is_lacking
    union all
    select known.*
    from known
    semi join lacking
        on
            known.stock_index = lacking.stock_index
            and known.day_index = lacking.previous_day_index
    where not known.is_lacking
),

carried as (
    select
        stock_index,
        day_index,
        adjust_factor,
        is_lacking,
        last_value(adjusted_close ignore nulls) over so_far as adjusted_close,
        last_value(float_shares ignore nulls) over so_far as float_shares,
    from at_gap
    window so_far as (
        partition by stock_index
        order by day_index
        rows between unbounded preceding and current row
    )
)

select
    stock_index,
    day_index,
    adjust_factor,
    adjusted_close,
    float_shares,
from carried
where is_lacking and adjusted_close is not null;

create temp table industry_day as
with panel as (
    select
        stock_index,
        day_index,
        adjust_factor,
        adjusted_close,
        float_shares,
    from known
    where not is_lacking
    union all
    select
        stock_index,
        day_index,
        adjust_factor,
        adjusted_close,
        float_shares,
    from held
),

sized as (
    select
        panel.stock_index,
        panel.day_index,
        panel.adjusted_close,
        -- an estimate of the float can exceed the total by its rounding
        round(panel.adjusted_close / panel.adjust_factor, 4) * least(
            coalesce(panel.float_shares, total_shares.total_shares),
            total_shares.total_shares
        ) as cap,
    from panel
    inner join trading_day on panel.day_index = trading_day.day_index
    left join total_shares
        on
            panel.stock_index = total_shares.stock_index
            and trading_day.last_quarter_end = total_shares.quarter_end
),

compared as (
    select
        stock_index,
        day_index,
        cap,
        lag(cap) over by_day as previous_cap,
        adjusted_close / lag(adjusted_close) over by_day - 1 as daily_return,
        adjusted_close > lag(adjusted_close, 220) over by_day as is_up,
    from sized
    window by_day as (partition by stock_index order by day_index)
),

summed as (
    select
        industry_member.industry_code,
        compared.day_index,
        count(compared.cap) filter (where compared.is_up is not null) as member_count,
        sum(compared.cap) filter (where compared.is_up) as cap_up,
        sum(compared.cap) filter (where compared.is_up is not null) as cap_compared,
        sum(compared.daily_return * compared.previous_cap) as weighted_return,
        sum(compared.previous_cap)
            filter (where compared.daily_return is not null) as weight,
    from compared
    inner join industry_member
        on
            compared.stock_index = industry_member.stock_index
            and compared.day_index >= industry_member.from_index
            and compared.day_index < industry_member.to_index
    group by industry_member.industry_code, compared.day_index
)

select
    summed.industry_code,
    trading_day.trade_date,
    trading_day.trade_week,
    case
        when summed.member_count >= 3
            then coalesce(summed.cap_up, 0) / summed.cap_compared
    end as diffusion_index,
    summed.weighted_return / summed.weight as float_cap_return,
    summed.weight,
from summed
inner join trading_day on summed.day_index = trading_day.day_index;

create table diffusion_index as
select
    industry_code,
    trade_date,
    diffusion_index,
from industry_day
where diffusion_index is not null
order by industry_code, trade_date;

create table weekly_return as
select
    industry_code,
    trade_week,
    exp(sum(ln(1 + float_cap_return))) - 1 as float_cap_return,
from industry_day
where float_cap_return is not null
group by industry_code, trade_week
order by industry_code, trade_week;
