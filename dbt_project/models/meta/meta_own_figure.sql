{%- set parts = [
    "meta_own_figure_diffusion",
    "int_own_figure_citic_index",
    "meta_own_figure_microcap",
    "meta_own_figure_flows",
    "meta_own_figure_model",
    "meta_own_figure_factor",
] -%}

-- What the warehouse computes of the published systems, in their terms: subject_code of
-- published_subject, the as_of_date that meta_published_figure derives. A new system is
-- one more part, and is_built in published_metric.
{% for part in parts -%}
{{ "union all" if not loop.first }}
select
    system,
    metric,
    subject_code,
    as_of_date,
    own_value,
    is_signal,
    basis,
from {{ ref(part) }}
{% endfor %}
