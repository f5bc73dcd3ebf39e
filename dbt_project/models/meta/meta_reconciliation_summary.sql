-- A correlation of fewer pairs than this says nothing.
{% set minimum_pairs = 3 %}

with reconciliation as (
    select
        figure_id,
        system,
        metric,
        published_value,
        our_value,
        difference,
        status,
        list_side,
        is_in_our_list,
        is_signal_matched,
    from {{ ref("meta_reconciliation") }}
),

counted as (
    select
        system,
        metric,
        count(*) as figure_count,
        count(*) filter (where status = 'compared') as compared_count,
        count(*) filter (where status = 'not_comparable') as not_comparable_count,
        count(difference) as difference_count,
        {{ exact_sum("abs(difference)", 15) }} as absolute_error_sum,
        count(is_in_our_list) as list_count,
        count(*) filter (where is_in_our_list) as list_overlap_count,
        count(is_signal_matched) as signal_count,
        count(*) filter (where is_signal_matched) as signal_matched_count,
    from reconciliation
    group by system, metric
),

compared as (
    select
        system,
        metric,
        published_value,
        our_value,
    from reconciliation
    where status = 'compared'
),

-- Ties get the mean of the ranks that they cover.
ranked as (
    select
        system,
        metric,
        published_value,
        our_value,
        rank()
            over (
                partition by system, metric
                order by published_value asc
            )
        + (count(*) over (partition by system, metric, published_value) - 1) / 2
            as published_rank,
        rank()
            over (
                partition by system, metric
                order by our_value asc
            )
        + (count(*) over (partition by system, metric, our_value) - 1) / 2 as our_rank,
    from compared
),

agreed as (
    select
        system,
        metric,
        count(*) as pair_count,
        -- Constant ranks have no correlation: NaN becomes NULL.
        corr(published_rank, our_rank) as rank_correlation,
        -- A printed zero has no sign.
        count(*) filter (where published_value <> 0) as signed_count,
        count(*) filter (
            where published_value <> 0 and sign(published_value) = sign(our_value)
        ) as same_sign_count,
    from ranked
    group by system, metric
)

select
    cast(counted.system as varchar) as system,
    cast(counted.metric as varchar) as metric,
    cast(counted.figure_count as bigint) as figure_count,
    cast(counted.compared_count as bigint) as compared_count,
    cast(counted.not_comparable_count as bigint) as not_comparable_count,
    cast(
        {{ safe_divide("counted.absolute_error_sum", "counted.difference_count") }}
        as double
    ) as mean_absolute_error,
    cast(
        case
            when
                agreed.pair_count >= {{ minimum_pairs }}
                and not isnan(agreed.rank_correlation)
                then agreed.rank_correlation
        end as double
    ) as rank_correlation,
    cast(
        {{ safe_divide("agreed.same_sign_count", "agreed.signed_count") }} as double
    ) as sign_agreement,
    cast(counted.list_count as bigint) as list_count,
    cast(
        {{ safe_divide("counted.list_overlap_count", "counted.list_count") }} as double
    ) as list_overlap,
    cast(counted.signal_count as bigint) as signal_count,
    cast(counted.signal_matched_count as bigint) as signal_matched_count,
from counted
left join
    agreed
    on counted.system = agreed.system and counted.metric = agreed.metric
