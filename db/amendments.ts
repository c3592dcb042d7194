/** What brings a database to the schema whose step it had in an earlier wording. */
export interface Amendment {
  /** Counts as `found` what only the earlier wording left: none, or some. */
  find: string;
  /** In the transaction of the upgrade, before its steps. */
  statements: readonly string[];
}

const moved = ["position", "id", "account_id", "record", "chain", "sequence", "previous", "hash"];

/**
 * Two steps were reworded a few commits after they had come, before any release. A database of the commits between has
 * the step's name, so that only its tables tell.
 */
export const amendments: readonly Amendment[] = [
  // 0001_record: generations were a table with generated columns.
  {
    find: "SELECT count(*) AS found FROM sqlite_master WHERE type = 'table' AND name = 'generation' AND sql LIKE '%GENERATED ALWAYS%'",
    statements: [
      "DROP VIEW `account_transaction`",
      `CREATE TABLE \`generation_record\` (\`position\` integer PRIMARY KEY NOT NULL, \`id\` text NOT NULL, \`account_id\` text NOT NULL,
\`record\` text NOT NULL, \`chain\` text NOT NULL, \`sequence\` integer NOT NULL, \`previous\` text NOT NULL, \`hash\` text NOT NULL)`,
      `INSERT INTO generation_record (${moved.join(", ")}) SELECT ${moved.join(", ")} FROM generation`,
      "DROP TABLE `generation`",
      "CREATE UNIQUE INDEX `generation_id` ON `generation_record` (`id`)",
      "CREATE INDEX `generation_account` ON `generation_record` (`account_id`,`id`)",
      // A later step makes the view anew, with the members that its rows have by then.
      `CREATE VIEW \`generation\` AS SELECT position, id, account_id, record, chain, sequence, previous, hash, record ->> 3 AS key_id,
record ->> 5 AS user, record ->> 8 AS requested_model, record ->> 9 AS model, record ->> 10 AS provider, record ->> 11 AS region,
record ->> 16 AS created_at, record ->> 19 AS input_fresh, record ->> 20 AS cache_read, record ->> 21 AS cache_write_5m,
record ->> 22 AS cache_write_1h, record ->> 23 AS output_visible, record ->> 24 AS reasoning, record ->> 26 AS cost,
record ->> 32 AS energy_wh, record ->> 33 AS carbon_g, record ->> 36 AS methodology FROM generation_record`,
      `CREATE VIEW \`account_transaction\` AS
SELECT id, account_id, type, amount, description, created_at, NULL AS generation_id FROM ledger_entry
UNION ALL
SELECT 'txn_' || substr(id, 5), account_id, 'usage', -cost,
  coalesce(model, requested_model, 'unknown model')
    || coalesce(' - ' || (input_fresh + cache_read + cache_write_5m + cache_write_1h) || ' input tokens, '
    || (output_visible + reasoning) || ' output tokens', ''),
  created_at, id FROM generation WHERE cost <> 0`,
    ],
  },
  // 0005_dashboard: payments did not know their currency, and webhooks not how often they had failed.
  {
    find: `SELECT count(*) AS found FROM sqlite_master WHERE type = 'table' AND name = 'purchase'
AND NOT EXISTS (SELECT 1 FROM pragma_table_info('purchase') WHERE name = 'price_minor')`,
    statements: [
      "ALTER TABLE `payment_event` ADD `payment_id` text",
      "ALTER TABLE `payment_event` ADD `dispute_id` text",
      "ALTER TABLE `payment_event` ADD `amount_minor` integer",
      "ALTER TABLE `payment_event` ADD `currency` text",
      "CREATE INDEX `payment_event_payment` ON `payment_event` (`payment_id`)",
      // Nothing could be bought yet; a row that is there all the same was in cents of a dollar.
      "ALTER TABLE `purchase` ADD `price_minor` integer DEFAULT 0 NOT NULL",
      "ALTER TABLE `purchase` ADD `currency` text DEFAULT 'USD' NOT NULL",
      "UPDATE `purchase` SET `price_minor` = `amount_nano` / 10000000",
      "ALTER TABLE `webhook` ADD `failures` integer DEFAULT 0 NOT NULL",
      "ALTER TABLE `webhook` ADD `next_at` integer DEFAULT 0 NOT NULL",
      "DROP INDEX `webhook_delivery_due`",
      "CREATE INDEX `webhook_delivery_due` ON `webhook_delivery` (`webhook_id`,`state`,`next_at`)",
    ],
  },
];
