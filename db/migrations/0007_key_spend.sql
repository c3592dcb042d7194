DROP INDEX `rollup_key`;--> statement-breakpoint
CREATE INDEX `rollup_key` ON `rollup` (`key`,`day`,`cost`,`byok_cost`);