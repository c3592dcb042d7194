CREATE TABLE `account` (
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`plan` text NOT NULL,
	`disabled` integer DEFAULT false NOT NULL,
	`created_at` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `allowance` (
	`kind` text NOT NULL,
	`owner` text NOT NULL,
	`window_start` integer NOT NULL,
	`granted` integer,
	`used` integer DEFAULT 0 NOT NULL,
	`leased` integer DEFAULT 0 NOT NULL,
	PRIMARY KEY(`kind`, `owner`, `window_start`)
);
--> statement-breakpoint
CREATE TABLE `api_key` (
	`hash` text PRIMARY KEY NOT NULL,
	`account_id` text NOT NULL,
	`name` text NOT NULL,
	`label` text NOT NULL,
	`type` text NOT NULL,
	`disabled` integer DEFAULT false NOT NULL,
	`limit_nano` integer,
	`limit_reset` text,
	`daily_limit_nano` integer,
	`monthly_limit_nano` integer,
	`allowed_providers` text DEFAULT '[]' NOT NULL,
	`allowed_models` text DEFAULT '[]' NOT NULL,
	`region` text,
	`policy` text,
	`prefer_low_carbon` integer DEFAULT false NOT NULL,
	`rate_limit` text DEFAULT '{}' NOT NULL,
	`carbon_budget_g` real,
	`carbon_budget_reset` text,
	`carbon_budget_action` text DEFAULT '"refuse"' NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer,
	`last_used_at` integer,
	`expires_at` integer
);
--> statement-breakpoint
CREATE INDEX `api_key_account` ON `api_key` (`account_id`,`created_at`);--> statement-breakpoint
CREATE TABLE `generation` (
	`id` text PRIMARY KEY NOT NULL,
	`completion_id` text,
	`account_id` text NOT NULL,
	`key_id` text NOT NULL,
	`key_name` text NOT NULL,
	`user` text,
	`app` text,
	`dialect` text NOT NULL,
	`requested_model` text,
	`model` text,
	`provider` text,
	`region` text,
	`streamed` integer NOT NULL,
	`status` text NOT NULL,
	`error_code` text,
	`settlement` text NOT NULL,
	`created_at` integer NOT NULL,
	`completed_at` integer NOT NULL,
	`latency_ms` real NOT NULL,
	`input_fresh` integer,
	`cache_read` integer,
	`cache_write_5m` integer,
	`cache_write_1h` integer,
	`output_visible` integer,
	`reasoning` integer,
	`raw_usage` text,
	`cost` integer,
	`cost_prompt` integer,
	`cost_completion` integer,
	`upstream_cost` integer,
	`usd_rate` real NOT NULL,
	`is_byok` integer NOT NULL,
	`energy_wh` real,
	`carbon_g` real,
	`carbon_per_1k_g` real,
	`accuracy` text,
	`methodology` text,
	`grid_g_per_kwh` real,
	`grid_zone` text,
	`trace` text NOT NULL,
	`chain` text NOT NULL,
	`sequence` integer NOT NULL,
	`previous` text NOT NULL,
	`hash` text NOT NULL
);
--> statement-breakpoint
CREATE INDEX `generation_account` ON `generation` (`account_id`,`id`);--> statement-breakpoint
CREATE INDEX `generation_completion` ON `generation` (`completion_id`);--> statement-breakpoint
CREATE UNIQUE INDEX `generation_chain` ON `generation` (`chain`,`sequence`);--> statement-breakpoint
CREATE TABLE `lease` (
	`process` text NOT NULL,
	`kind` text NOT NULL,
	`owner` text NOT NULL,
	`window_start` integer NOT NULL,
	`amount` integer NOT NULL,
	PRIMARY KEY(`process`, `kind`, `owner`, `window_start`)
);
--> statement-breakpoint
CREATE TABLE `ledger_entry` (
	`id` text PRIMARY KEY NOT NULL,
	`account_id` text NOT NULL,
	`type` text NOT NULL,
	`amount` integer NOT NULL,
	`description` text NOT NULL,
	`created_at` integer NOT NULL,
	`by` text NOT NULL
);
--> statement-breakpoint
CREATE INDEX `ledger_entry_account` ON `ledger_entry` (`account_id`,`id`);--> statement-breakpoint
CREATE TABLE `process` (
	`id` text PRIMARY KEY NOT NULL,
	`pid` integer DEFAULT 0 NOT NULL,
	`host` text DEFAULT '' NOT NULL,
	`started_at` integer NOT NULL,
	`expires_at` integer DEFAULT 0 NOT NULL,
	`sequence` integer DEFAULT 0 NOT NULL,
	`head` text DEFAULT '' NOT NULL
);
--> statement-breakpoint
CREATE TABLE `rollup` (
	`day` text NOT NULL,
	`account` text NOT NULL,
	`key` text NOT NULL,
	`user` text NOT NULL,
	`model` text NOT NULL,
	`provider` text NOT NULL,
	`region` text NOT NULL,
	`methodology` text NOT NULL,
	`requests` integer NOT NULL,
	`input_fresh` integer NOT NULL,
	`cache_read` integer NOT NULL,
	`cache_write_5m` integer NOT NULL,
	`cache_write_1h` integer NOT NULL,
	`output_visible` integer NOT NULL,
	`reasoning` integer NOT NULL,
	`cost` integer NOT NULL,
	`upstream_cost` integer NOT NULL,
	`byok_cost` integer NOT NULL,
	`energy_wh` real NOT NULL,
	`carbon_g` real NOT NULL,
	`without_eco` integer NOT NULL,
	`errors` integer NOT NULL,
	PRIMARY KEY(`account`, `day`, `key`, `user`, `model`, `provider`, `region`, `methodology`)
);
--> statement-breakpoint
CREATE INDEX `rollup_key` ON `rollup` (`key`,`day`);--> statement-breakpoint
CREATE TABLE `setting` (
	`key` text PRIMARY KEY NOT NULL,
	`value` text NOT NULL
);
--> statement-breakpoint
CREATE VIEW `account_transaction` AS 
SELECT id, account_id, type, amount, description, created_at, NULL AS generation_id FROM ledger_entry
UNION ALL
SELECT 'txn_' || substr(id, 5), account_id, 'usage', -cost,
  coalesce(model, requested_model, 'unknown model')
    || coalesce(' - ' || (input_fresh + cache_read + cache_write_5m + cache_write_1h) || ' input tokens, '
    || (output_visible + reasoning) || ' output tokens', ''),
  created_at, id FROM generation WHERE cost <> 0;