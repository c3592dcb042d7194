DROP VIEW `account_transaction`;
--> statement-breakpoint
DROP INDEX `generation_account`;
--> statement-breakpoint
DROP INDEX `generation_completion`;
--> statement-breakpoint
DROP INDEX `generation_chain`;
--> statement-breakpoint
ALTER TABLE `generation` RENAME TO `generation_0000`;
--> statement-breakpoint
CREATE TABLE `generation` (
	`position` integer PRIMARY KEY NOT NULL,
	`id` text NOT NULL,
	`account_id` text NOT NULL,
	`record` text NOT NULL,
	`chain` text NOT NULL,
	`sequence` integer NOT NULL,
	`previous` text NOT NULL,
	`hash` text NOT NULL,
	`completion_id` text GENERATED ALWAYS AS (record ->> 1) VIRTUAL,
	`upstream_id` text GENERATED ALWAYS AS (record ->> 40) VIRTUAL,
	`key_id` text GENERATED ALWAYS AS (record ->> 3) VIRTUAL,
	`key_name` text GENERATED ALWAYS AS (record ->> 4) VIRTUAL,
	`user` text GENERATED ALWAYS AS (record ->> 5) VIRTUAL,
	`app` text GENERATED ALWAYS AS (record ->> 6) VIRTUAL,
	`dialect` text GENERATED ALWAYS AS (record ->> 7) VIRTUAL,
	`requested_model` text GENERATED ALWAYS AS (record ->> 8) VIRTUAL,
	`model` text GENERATED ALWAYS AS (record ->> 9) VIRTUAL,
	`provider` text GENERATED ALWAYS AS (record ->> 10) VIRTUAL,
	`region` text GENERATED ALWAYS AS (record ->> 11) VIRTUAL,
	`streamed` integer GENERATED ALWAYS AS (record ->> 12) VIRTUAL,
	`status` text GENERATED ALWAYS AS (record ->> 13) VIRTUAL,
	`error_code` text GENERATED ALWAYS AS (record ->> 14) VIRTUAL,
	`settlement` text GENERATED ALWAYS AS (record ->> 15) VIRTUAL,
	`created_at` integer GENERATED ALWAYS AS (record ->> 16) VIRTUAL,
	`completed_at` integer GENERATED ALWAYS AS (record ->> 17) VIRTUAL,
	`latency_ms` real GENERATED ALWAYS AS (record ->> 18) VIRTUAL,
	`input_fresh` integer GENERATED ALWAYS AS (record ->> 19) VIRTUAL,
	`cache_read` integer GENERATED ALWAYS AS (record ->> 20) VIRTUAL,
	`cache_write_5m` integer GENERATED ALWAYS AS (record ->> 21) VIRTUAL,
	`cache_write_1h` integer GENERATED ALWAYS AS (record ->> 22) VIRTUAL,
	`output_visible` integer GENERATED ALWAYS AS (record ->> 23) VIRTUAL,
	`reasoning` integer GENERATED ALWAYS AS (record ->> 24) VIRTUAL,
	`cost` integer GENERATED ALWAYS AS (record ->> 26) VIRTUAL,
	`cost_prompt` integer GENERATED ALWAYS AS (record ->> 27) VIRTUAL,
	`cost_completion` integer GENERATED ALWAYS AS (record ->> 28) VIRTUAL,
	`upstream_cost` integer GENERATED ALWAYS AS (record ->> 29) VIRTUAL,
	`usd_rate` real GENERATED ALWAYS AS (record ->> 30) VIRTUAL,
	`is_byok` integer GENERATED ALWAYS AS (record ->> 31) VIRTUAL,
	`energy_wh` real GENERATED ALWAYS AS (record ->> 32) VIRTUAL,
	`carbon_g` real GENERATED ALWAYS AS (record ->> 33) VIRTUAL,
	`carbon_per_1k_g` real GENERATED ALWAYS AS (record ->> 34) VIRTUAL,
	`accuracy` text GENERATED ALWAYS AS (record ->> 35) VIRTUAL,
	`methodology` text GENERATED ALWAYS AS (record ->> 36) VIRTUAL,
	`grid_g_per_kwh` real GENERATED ALWAYS AS (record ->> 37) VIRTUAL,
	`grid_zone` text GENERATED ALWAYS AS (record ->> 38) VIRTUAL,
	`raw_usage` text GENERATED ALWAYS AS (record ->> 25) VIRTUAL,
	`trace` text GENERATED ALWAYS AS (record ->> 39) VIRTUAL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `generation_id` ON `generation` (`id`);
--> statement-breakpoint
CREATE INDEX `generation_account` ON `generation` (`account_id`,`id`);
--> statement-breakpoint
CREATE VIEW `account_transaction` AS 
SELECT id, account_id, type, amount, description, created_at, NULL AS generation_id FROM ledger_entry
UNION ALL
SELECT 'txn_' || substr(id, 5), account_id, 'usage', -cost,
  coalesce(model, requested_model, 'unknown model')
    || coalesce(' - ' || (input_fresh + cache_read + cache_write_5m + cache_write_1h) || ' input tokens, '
    || (output_visible + reasoning) || ' output tokens', ''),
  created_at, id FROM generation WHERE cost <> 0;
