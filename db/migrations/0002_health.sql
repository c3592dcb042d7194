CREATE TABLE `provider_health` (
	`process` text NOT NULL,
	`provider` text NOT NULL,
	`region` text NOT NULL,
	`model` text NOT NULL,
	`state` text NOT NULL,
	`reason` text,
	`since` integer,
	`open_until` integer DEFAULT 0 NOT NULL,
	`cool_until` integer DEFAULT 0 NOT NULL,
	`latency_p50_ms` real,
	`latency_p95_ms` real,
	`throughput_p50` real,
	`in_flight` integer DEFAULT 0 NOT NULL,
	`updated_at` integer NOT NULL,
	PRIMARY KEY(`process`, `provider`, `region`, `model`)
);
--> statement-breakpoint
ALTER TABLE `api_key` ADD `hedge` integer DEFAULT false NOT NULL;--> statement-breakpoint
DROP VIEW `generation`;--> statement-breakpoint
CREATE VIEW `generation` AS SELECT position, id, account_id, record, chain, sequence, previous, hash, record ->> 1 AS completion_id, record ->> 3 AS key_id, record ->> 4 AS key_name, record ->> 5 AS user, record ->> 6 AS app, record ->> 7 AS dialect, record ->> 8 AS requested_model, record ->> 9 AS model, record ->> 10 AS provider, record ->> 11 AS region, record ->> 12 AS streamed, record ->> 13 AS status, record ->> 14 AS error_code, record ->> 15 AS settlement, record ->> 16 AS created_at, record ->> 17 AS completed_at, record ->> 18 AS latency_ms, record ->> 19 AS input_fresh, record ->> 20 AS cache_read, record ->> 21 AS cache_write_5m, record ->> 22 AS cache_write_1h, record ->> 23 AS output_visible, record ->> 24 AS reasoning, record ->> 25 AS raw_usage, record ->> 26 AS cost, record ->> 27 AS cost_prompt, record ->> 28 AS cost_completion, record ->> 29 AS upstream_cost, record ->> 30 AS usd_rate, record ->> 31 AS is_byok, record ->> 32 AS energy_wh, record ->> 33 AS carbon_g, record ->> 34 AS carbon_per_1k_g, record ->> 35 AS accuracy, record ->> 36 AS methodology, record ->> 37 AS grid_g_per_kwh, record ->> 38 AS grid_zone, record ->> 39 AS trace, record ->> 40 AS upstream_id, record ->> 41 AS measured_wh_per_1k, record ->> 42 AS measured_pue
FROM generation_record;