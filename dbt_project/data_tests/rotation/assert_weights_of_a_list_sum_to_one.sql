-- Every list is fully invested. A returned row is a list that is not.
select
    strategy_code,
    signal_date,
    sum(weight) as weight_sum,
from {{ ref("fct_rotation_holding") }}
group by strategy_code, signal_date
having abs(sum(weight) - 1) > 1e-12
