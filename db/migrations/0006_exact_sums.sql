ALTER TABLE `rollup` ADD `energy_pwh` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `rollup` ADD `carbon_pg` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `rollup` ADD `energy_low_pwh` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `rollup` ADD `energy_high_pwh` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `rollup` ADD `carbon_low_pg` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `rollup` ADD `carbon_high_pg` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `rollup` ADD `without_bounds` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
-- A sum that was added up in floating point is taken over to the nearest; where the rows are there, theirs takes its place.
UPDATE `rollup` SET `energy_pwh` = CAST(round(`energy_wh` * 1e12) AS INTEGER), `carbon_pg` = CAST(round(`carbon_g` * 1e12) AS INTEGER), `without_bounds` = `requests` - `without_eco`;--> statement-breakpoint
UPDATE `rollup` SET `energy_pwh` = rows.energy, `carbon_pg` = rows.carbon FROM (
SELECT date(created_at / 1000, 'unixepoch') AS at_day, account_id AS of_account, key_id AS of_key, coalesce(user, '') AS of_user,
coalesce(model, '') AS of_model, coalesce(provider, '') AS of_provider, coalesce(region, '') AS of_region,
coalesce(methodology, '') AS of_methodology, count(*) AS counted,
sum(CAST(round(coalesce(energy_wh, 0) * 1e12) AS INTEGER)) AS energy, sum(CAST(round(coalesce(carbon_g, 0) * 1e12) AS INTEGER)) AS carbon
FROM `generation` GROUP BY 1, 2, 3, 4, 5, 6, 7, 8) AS rows
WHERE `day` = at_day AND `account` = of_account AND `key` = of_key AND `user` = of_user AND `model` = of_model
AND `provider` = of_provider AND `region` = of_region AND `methodology` = of_methodology AND `requests` = counted;--> statement-breakpoint
ALTER TABLE `rollup` DROP COLUMN `energy_wh`;--> statement-breakpoint
ALTER TABLE `rollup` DROP COLUMN `carbon_g`;--> statement-breakpoint
DROP VIEW `generation`;--> statement-breakpoint
CREATE VIEW `generation` AS SELECT position, id, account_id, record, chain, sequence, previous, hash, record ->> 1 AS completion_id, record ->> 3 AS key_id, record ->> 4 AS key_name, record ->> 5 AS user, record ->> 6 AS app, record ->> 7 AS dialect, record ->> 8 AS requested_model, record ->> 9 AS model, record ->> 10 AS provider, record ->> 11 AS region, record ->> 12 AS streamed, record ->> 13 AS status, record ->> 14 AS error_code, record ->> 15 AS settlement, record ->> 16 AS created_at, record ->> 17 AS completed_at, record ->> 18 AS latency_ms, record ->> 19 AS input_fresh, record ->> 20 AS cache_read, record ->> 21 AS cache_write_5m, record ->> 22 AS cache_write_1h, record ->> 23 AS output_visible, record ->> 24 AS reasoning, record ->> 25 AS raw_usage, record ->> 26 AS cost, record ->> 27 AS cost_prompt, record ->> 28 AS cost_completion, record ->> 29 AS upstream_cost, record ->> 30 AS usd_rate, record ->> 31 AS is_byok, record ->> 32 AS energy_wh, record ->> 33 AS carbon_g, record ->> 34 AS carbon_per_1k_g, record ->> 35 AS accuracy, record ->> 36 AS methodology, record ->> 37 AS grid_g_per_kwh, record ->> 38 AS grid_zone, record ->> 39 AS trace, record ->> 40 AS upstream_id, record ->> 41 AS measured_wh_per_1k, record ->> 42 AS measured_pue, record ->> 43 AS energy_wh_low, record ->> 44 AS energy_wh_high
FROM generation_record;