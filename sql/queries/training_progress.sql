-- question: How did loss and rank IC on valid go on in the newest training of a model?
-- parameter: model (text) = 'gru_low_frequency': Code of a model.
-- known: model: select m.model_code from core.dim_model as m
-- column: run_id (text): Training.
-- column: seed (integer): Seed of the network.
-- column: epoch (integer): Epoch.
-- column: loss (number): Mean loss over train.
-- column: valid_ic (number): Mean rank IC over valid.
-- column: is_best (boolean): Whether it was the best so far.
-- rows: some
with newest_run as (
    select r.run_id,
    from meta.meta_model_run as r
    where r.model_code = $model
    order by r.first_scored_date desc, r.trained_at desc
    limit 1
)

select
    e.run_id,
    e.seed,
    e.epoch,
    e.loss,
    e.valid_ic,
    e.is_best,
from meta.meta_training_epoch as e
inner join newest_run as n on e.run_id = n.run_id
order by e.seed, e.epoch
