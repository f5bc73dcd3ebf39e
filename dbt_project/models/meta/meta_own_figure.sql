-- What the warehouse computes of the published systems, in their terms: subject_code of
-- published_subject, the as_of_date that meta_published_figure derives. A new system is
-- one more branch, and is_built in published_metric.
select
    system,
    metric,
    subject_code,
    as_of_date,
    own_value,
    is_signal,
    basis,
from {{ ref("meta_own_figure_diffusion") }}
union all
select
    system,
    metric,
    subject_code,
    as_of_date,
    own_value,
    is_signal,
    basis,
from {{ ref("int_own_figure_citic_index") }}
union all
select
    system,
    metric,
    subject_code,
    as_of_date,
    own_value,
    is_signal,
    basis,
from {{ ref("meta_own_figure_microcap") }}
union all
select
    system,
    metric,
    subject_code,
    as_of_date,
    own_value,
    is_signal,
    basis,
from {{ ref("meta_own_figure_flows") }}
union all
select
    system,
    metric,
    subject_code,
    as_of_date,
    own_value,
    is_signal,
    basis,
from {{ ref("meta_own_figure_model") }}
union all
select
    system,
    metric,
    subject_code,
    as_of_date,
    own_value,
    is_signal,
    basis,
from {{ ref("meta_own_figure_factor") }}
