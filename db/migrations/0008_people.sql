CREATE TABLE `deleted_key` (
	`hash` text PRIMARY KEY NOT NULL,
	`account_id` text NOT NULL,
	`name` text NOT NULL,
	`created_by` text,
	`deleted_at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `deleted_key_account` ON `deleted_key` (`account_id`,`deleted_at`);--> statement-breakpoint
CREATE INDEX `deleted_key_maker` ON `deleted_key` (`created_by`);--> statement-breakpoint
ALTER TABLE `payment_event` ADD `refund_id` text;--> statement-breakpoint
ALTER TABLE `payment_event` ADD `told_at` integer;--> statement-breakpoint
ALTER TABLE `person` ADD `chosen_account_id` text;--> statement-breakpoint
-- What the audit log knows of keys that were deleted before.
INSERT OR IGNORE INTO `deleted_key` (`hash`, `account_id`, `name`, `created_by`, `deleted_at`)
SELECT gone.target, gone.account_id, coalesce(nullif(gone.detail ->> 'name', ''), ''), made.actor, gone.at FROM `audit_event` AS gone
LEFT JOIN `audit_event` AS made ON made.action = 'key.created' AND made.target = gone.target AND made.actor LIKE 'per\_%' ESCAPE '\'
WHERE gone.action = 'key.deleted' AND gone.target IS NOT NULL AND gone.account_id IS NOT NULL
AND gone.target NOT IN (SELECT hash FROM `api_key`);--> statement-breakpoint
-- Management keys end with the role that made them; those of who lost it before end now.
UPDATE `api_key` SET `disabled` = 1 WHERE `type` = 'management' AND `disabled` = 0 AND `created_by` IS NOT NULL AND NOT EXISTS (
SELECT 1 FROM `membership` WHERE membership.account_id = api_key.account_id AND person_id = api_key.created_by AND role <> 'member');