CREATE TABLE `mail` (
	`id` text PRIMARY KEY NOT NULL,
	`to_address` text NOT NULL,
	`subject` text NOT NULL,
	`text` text NOT NULL,
	`state` text NOT NULL,
	`attempts` integer DEFAULT 0 NOT NULL,
	`next_at` integer NOT NULL,
	`reason` text,
	`created_at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `mail_due` ON `mail` (`state`,`next_at`);--> statement-breakpoint
CREATE TABLE `notice` (
	`kind` text NOT NULL,
	`owner` text NOT NULL,
	`window_start` integer NOT NULL,
	`at` integer NOT NULL,
	PRIMARY KEY(`kind`, `owner`, `window_start`)
);
--> statement-breakpoint
CREATE TABLE `payment_event` (
	`id` text PRIMARY KEY NOT NULL,
	`type` text NOT NULL,
	`at` integer NOT NULL,
	`payment_id` text,
	`dispute_id` text,
	`amount_minor` integer,
	`currency` text
);
--> statement-breakpoint
CREATE INDEX `payment_event_payment` ON `payment_event` (`payment_id`);--> statement-breakpoint
CREATE TABLE `purchase` (
	`id` text PRIMARY KEY NOT NULL,
	`account_id` text NOT NULL,
	`person_id` text,
	`amount_nano` integer NOT NULL,
	`price_minor` integer NOT NULL,
	`currency` text NOT NULL,
	`session_id` text,
	`payment_id` text,
	`state` text NOT NULL,
	`returned_nano` integer DEFAULT 0 NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer
);
--> statement-breakpoint
CREATE UNIQUE INDEX `purchase_session_id_unique` ON `purchase` (`session_id`);--> statement-breakpoint
CREATE INDEX `purchase_account` ON `purchase` (`account_id`,`id`);--> statement-breakpoint
CREATE INDEX `purchase_payment` ON `purchase` (`payment_id`);--> statement-breakpoint
CREATE TABLE `webhook` (
	`id` text PRIMARY KEY NOT NULL,
	`account_id` text,
	`name` text NOT NULL,
	`url` text NOT NULL,
	`envelope` text NOT NULL,
	`event_types` text DEFAULT '[]' NOT NULL,
	`api_key_hashes` text DEFAULT '[]' NOT NULL,
	`disabled` integer DEFAULT false NOT NULL,
	`failures` integer DEFAULT 0 NOT NULL,
	`next_at` integer DEFAULT 0 NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer
);
--> statement-breakpoint
CREATE INDEX `webhook_account` ON `webhook` (`account_id`,`id`);--> statement-breakpoint
CREATE TABLE `webhook_delivery` (
	`id` text PRIMARY KEY NOT NULL,
	`webhook_id` text NOT NULL,
	`event_id` text NOT NULL,
	`type` text NOT NULL,
	`payload` text NOT NULL,
	`state` text NOT NULL,
	`attempts` integer DEFAULT 0 NOT NULL,
	`next_at` integer NOT NULL,
	`tries` text DEFAULT '[]' NOT NULL,
	`created_at` integer NOT NULL,
	`delivered_at` integer
);
--> statement-breakpoint
CREATE INDEX `webhook_delivery_due` ON `webhook_delivery` (`webhook_id`,`state`,`next_at`);--> statement-breakpoint
CREATE INDEX `webhook_delivery_webhook` ON `webhook_delivery` (`webhook_id`,`id`);--> statement-breakpoint
ALTER TABLE `api_key` ADD `created_by` text;