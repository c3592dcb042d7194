CREATE TABLE `provider_key` (
	`id` text PRIMARY KEY NOT NULL,
	`account_id` text,
	`provider` text NOT NULL,
	`label` text NOT NULL,
	`kind` text NOT NULL,
	`envelope` text NOT NULL,
	`shown` text NOT NULL,
	`weight` integer DEFAULT 1 NOT NULL,
	`rpm_limit` integer,
	`base_url` text,
	`region` text,
	`deployment` text,
	`supported_models` text DEFAULT '[]' NOT NULL,
	`always_use` integer DEFAULT false NOT NULL,
	`is_fallback` integer DEFAULT false NOT NULL,
	`disabled` integer DEFAULT false NOT NULL,
	`allowed_models` text DEFAULT '[]' NOT NULL,
	`allowed_api_key_hashes` text DEFAULT '[]' NOT NULL,
	`daily_budget_nano` integer,
	`monthly_budget_nano` integer,
	`created_at` integer NOT NULL,
	`updated_at` integer,
	`last_used_at` integer
);
--> statement-breakpoint
CREATE INDEX `provider_key_account` ON `provider_key` (`account_id`,`id`);