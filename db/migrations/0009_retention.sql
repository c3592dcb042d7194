CREATE TABLE `removal` (
	`position` integer PRIMARY KEY NOT NULL,
	`chain` text NOT NULL,
	`first` integer NOT NULL,
	`last` integer NOT NULL,
	`hash` text NOT NULL,
	`until` integer NOT NULL,
	`record` text NOT NULL,
	`signature` text NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `removal_chain` ON `removal` (`chain`,`first`);--> statement-breakpoint
CREATE TABLE `removed_usage` (
	`account_id` text PRIMARY KEY NOT NULL,
	`cost` integer NOT NULL,
	`requests` integer NOT NULL,
	`last_id` text NOT NULL,
	`last_at` integer NOT NULL
);
--> statement-breakpoint
DROP VIEW `account_transaction`;--> statement-breakpoint
CREATE VIEW `account_transaction` AS 
SELECT id, account_id, type, amount, description, created_at, NULL AS generation_id FROM ledger_entry
UNION ALL
SELECT 'txn_' || substr(id, 5), account_id, 'usage', -cost,
  coalesce(model, requested_model, 'unknown model')
    || coalesce(' - ' || (input_fresh + cache_read + cache_write_5m + cache_write_1h) || ' input tokens, '
    || (output_visible + reasoning) || ' output tokens', ''),
  created_at, id FROM generation WHERE cost <> 0
UNION ALL
SELECT 'txn_' || substr(last_id, 5), account_id, 'usage', -cost,
  'Usage until ' || date(last_at / 1000, 'unixepoch') || ', brought forward: ' || requests || ' requests', last_at, NULL FROM removed_usage WHERE cost <> 0;