DROP INDEX `generation_account`;--> statement-breakpoint
CREATE TABLE `generation_record` (
	`position` integer PRIMARY KEY NOT NULL,
	`id` text NOT NULL,
	`account_id` text NOT NULL,
	`record` text NOT NULL,
	`chain` text NOT NULL,
	`sequence` integer NOT NULL,
	`previous` text NOT NULL,
	`hash` text NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `generation_id` ON `generation_record` (`id`);--> statement-breakpoint
CREATE INDEX `generation_account` ON `generation_record` (`account_id`,`id`);--> statement-breakpoint
-- move rows
--> statement-breakpoint
DROP TABLE `generation`;--> statement-breakpoint
CREATE VIEW `generation` AS SELECT position, id, account_id, record, chain, sequence, previous, hash, record ->> 1 AS completion_id, record ->> 3 AS key_id, record ->> 4 AS key_name, record ->> 5 AS user, record ->> 6 AS app, record ->> 7 AS dialect, record ->> 8 AS requested_model, record ->> 9 AS model, record ->> 10 AS provider, record ->> 11 AS region, record ->> 12 AS streamed, record ->> 13 AS status, record ->> 14 AS error_code, record ->> 15 AS settlement, record ->> 16 AS created_at, record ->> 17 AS completed_at, record ->> 18 AS latency_ms, record ->> 19 AS input_fresh, record ->> 20 AS cache_read, record ->> 21 AS cache_write_5m, record ->> 22 AS cache_write_1h, record ->> 23 AS output_visible, record ->> 24 AS reasoning, record ->> 25 AS raw_usage, record ->> 26 AS cost, record ->> 27 AS cost_prompt, record ->> 28 AS cost_completion, record ->> 29 AS upstream_cost, record ->> 30 AS usd_rate, record ->> 31 AS is_byok, record ->> 32 AS energy_wh, record ->> 33 AS carbon_g, record ->> 34 AS carbon_per_1k_g, record ->> 35 AS accuracy, record ->> 36 AS methodology, record ->> 37 AS grid_g_per_kwh, record ->> 38 AS grid_zone, record ->> 39 AS trace, record ->> 40 AS upstream_id
FROM generation_record;