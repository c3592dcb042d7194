-- key lr_live_pcmtZxu0NRJpyuruZMbTqLow0YulftZQDbcQ5CLV8uT
--> next
CREATE TABLE schema_migration (position INTEGER PRIMARY KEY, tag TEXT NOT NULL, applied_at INTEGER NOT NULL);
--> next
CREATE TABLE `account` (
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`plan` text NOT NULL,
	`disabled` integer DEFAULT false NOT NULL,
	`created_at` integer NOT NULL
);
--> next
CREATE TABLE `allowance` (
	`kind` text NOT NULL,
	`owner` text NOT NULL,
	`window_start` integer NOT NULL,
	`granted` integer,
	`used` integer DEFAULT 0 NOT NULL,
	`leased` integer DEFAULT 0 NOT NULL,
	PRIMARY KEY(`kind`, `owner`, `window_start`)
);
--> next
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
--> next
CREATE TABLE `lease` (
	`process` text NOT NULL,
	`kind` text NOT NULL,
	`owner` text NOT NULL,
	`window_start` integer NOT NULL,
	`amount` integer NOT NULL,
	PRIMARY KEY(`process`, `kind`, `owner`, `window_start`)
);
--> next
CREATE TABLE `ledger_entry` (
	`id` text PRIMARY KEY NOT NULL,
	`account_id` text NOT NULL,
	`type` text NOT NULL,
	`amount` integer NOT NULL,
	`description` text NOT NULL,
	`created_at` integer NOT NULL,
	`by` text NOT NULL
);
--> next
CREATE TABLE `process` (
	`id` text PRIMARY KEY NOT NULL,
	`pid` integer DEFAULT 0 NOT NULL,
	`host` text DEFAULT '' NOT NULL,
	`started_at` integer NOT NULL,
	`expires_at` integer DEFAULT 0 NOT NULL,
	`sequence` integer DEFAULT 0 NOT NULL,
	`head` text DEFAULT '' NOT NULL
);
--> next
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
--> next
CREATE TABLE `setting` (
	`key` text PRIMARY KEY NOT NULL,
	`value` text NOT NULL
);
--> next
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
--> next
INSERT INTO "schema_migration" ("position", "tag", "applied_at") VALUES (0, '0000_start', 1795282414208);
--> next
INSERT INTO "schema_migration" ("position", "tag", "applied_at") VALUES (1, '0001_record', 1795282414208);
--> next
INSERT INTO "account" ("id", "name", "plan", "disabled", "created_at") VALUES ('acc_01M7ZJQAMPG4CGR0DBWRZCXWV0', 'acme', 'prepaid', 0, 1795282414230);
--> next
INSERT INTO "allowance" ("kind", "owner", "window_start", "granted", "used", "leased") VALUES ('credit', 'acc_01M7ZJQAMPG4CGR0DBWRZCXWV0', 0, 5000000000, 74700, 1586164);
--> next
INSERT INTO "allowance" ("kind", "owner", "window_start", "granted", "used", "leased") VALUES ('key_limit', '43663e0d2545b0dc5560c0602452d91d0d67b5b553ccdb76e6eedc1f45389a6a', 1793491200000, NULL, 74700, 1586164);
--> next
INSERT INTO "api_key" ("hash", "account_id", "name", "label", "type", "disabled", "limit_nano", "limit_reset", "daily_limit_nano", "monthly_limit_nano", "allowed_providers", "allowed_models", "region", "policy", "prefer_low_carbon", "rate_limit", "carbon_budget_g", "carbon_budget_reset", "carbon_budget_action", "created_at", "updated_at", "last_used_at", "expires_at") VALUES ('43663e0d2545b0dc5560c0602452d91d0d67b5b553ccdb76e6eedc1f45389a6a', 'acc_01M7ZJQAMPG4CGR0DBWRZCXWV0', 'k', 'lr_live_pcmt…V8uT', 'regular', 0, 3000000000, 'monthly', NULL, NULL, '[]', '[]', NULL, NULL, 0, '{}', NULL, NULL, '"refuse"', 1795282414455, NULL, NULL, NULL);
--> next
INSERT INTO "lease" ("process", "kind", "owner", "window_start", "amount") VALUES ('proc_01M7ZJQBM3DYWPTV72PRW7ENVB', 'credit', 'acc_01M7ZJQAMPG4CGR0DBWRZCXWV0', 0, 1586164);
--> next
INSERT INTO "lease" ("process", "kind", "owner", "window_start", "amount") VALUES ('proc_01M7ZJQBM3DYWPTV72PRW7ENVB', 'key_limit', '43663e0d2545b0dc5560c0602452d91d0d67b5b553ccdb76e6eedc1f45389a6a', 1793491200000, 1586164);
--> next
INSERT INTO "ledger_entry" ("id", "account_id", "type", "amount", "description", "created_at", "by") VALUES ('txn_01M7ZJQAMQJCT082RAW0GRY3PW', 'acc_01M7ZJQAMPG4CGR0DBWRZCXWV0', 'credit', 5000000000, 'Opening balance', 1795282414231, 'cli');
--> next
INSERT INTO "process" ("id", "pid", "host", "started_at", "expires_at", "sequence", "head") VALUES ('proc_01M7ZJQBM3DYWPTV72PRW7ENVB', 12615, 'vm', 1795282415561, 1795282475561, 6, '2f2117528b0560c4fd7192c05fa52372bc01c0af4768dac029ae07eb9a529ae7');
--> next
INSERT INTO "rollup" ("day", "account", "key", "user", "model", "provider", "region", "methodology", "requests", "input_fresh", "cache_read", "cache_write_5m", "cache_write_1h", "output_visible", "reasoning", "cost", "upstream_cost", "byok_cost", "energy_wh", "carbon_g", "without_eco", "errors") VALUES ('2026-11-21', 'acc_01M7ZJQAMPG4CGR0DBWRZCXWV0', '43663e0d2545b0dc5560c0602452d91d0d67b5b553ccdb76e6eedc1f45389a6a', '', 'openai/gpt-4o-mini', 'openai', 'eu-west', 'v0.4-2026-01', 4, 12, 0, 0, 0, 80, 0, 49800, 49800, 0, 0.2791096, 0.058534256438628786, 0, 0);
--> next
INSERT INTO "rollup" ("day", "account", "key", "user", "model", "provider", "region", "methodology", "requests", "input_fresh", "cache_read", "cache_write_5m", "cache_write_1h", "output_visible", "reasoning", "cost", "upstream_cost", "byok_cost", "energy_wh", "carbon_g", "without_eco", "errors") VALUES ('2026-11-21', 'acc_01M7ZJQAMPG4CGR0DBWRZCXWV0', '43663e0d2545b0dc5560c0602452d91d0d67b5b553ccdb76e6eedc1f45389a6a', 'zoë', 'openai/gpt-4o-mini', 'openai', 'eu-west', 'v0.4-2026-01', 2, 6, 0, 0, 0, 40, 0, 24900, 24900, 0, 0.1395548, 0.029267128219314393, 0, 0);
--> next
INSERT INTO "setting" ("key", "value") VALUES ('access_version', '1');
--> next
INSERT INTO "generation_record" ("position", "id", "account_id", "record", "chain", "sequence", "previous", "hash") VALUES (1, 'gen_01M7ZJQC5FJH1DM0XJPJBKD4Q8', 'acc_01M7ZJQAMPG4CGR0DBWRZCXWV0', '["gen_01M7ZJQC5FJH1DM0XJPJBKD4Q8","chatcmpl-01M7ZJQC5FJH1DM0XJPJBKD4Q8","acc_01M7ZJQAMPG4CGR0DBWRZCXWV0","43663e0d2545b0dc5560c0602452d91d0d67b5b553ccdb76e6eedc1f45389a6a","k",null,null,"openai-chat","openai/gpt-4o-mini","openai/gpt-4o-mini","openai","eu-west",0,"ok",null,"final",1795282415786,1795282416005,219,3,0,0,0,20,0,"{\"prompt_tokens\":3,\"completion_tokens\":20,\"total_tokens\":23,\"prompt_tokens_details\":{\"cached_tokens\":0,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}",12450,450,12000,12450,1,0,0.0697774,0.014633564109657196,0.6362419178111824,"gross","v0.4-2026-01",209.71781851512375,"eu-west","[{\"provider\":\"openai\",\"region\":\"eu-west\",\"model\":\"openai/gpt-4o-mini\",\"decision\":\"selected\",\"reason\":\"only_route\"}]","chatcmpl-01M7ZJQCBZJF79HEE6MC040000"]', 'proc_01M7ZJQBM3DYWPTV72PRW7ENVB', 1, '240ec1fa4d2a61257d75bdc47d25af554794ac7e669190312190e018d000fcfb', 'cb37d8b17538099d81c212f11134c880d56214404d4d765aa161fd52fab908fc');
--> next
INSERT INTO "generation_record" ("position", "id", "account_id", "record", "chain", "sequence", "previous", "hash") VALUES (2, 'gen_01M7ZJQCDCB4NV68F44GKMKNR9', 'acc_01M7ZJQAMPG4CGR0DBWRZCXWV0', '["gen_01M7ZJQCDCB4NV68F44GKMKNR9","chatcmpl-01M7ZJQCDCB4NV68F44GKMKNR9","acc_01M7ZJQAMPG4CGR0DBWRZCXWV0","43663e0d2545b0dc5560c0602452d91d0d67b5b553ccdb76e6eedc1f45389a6a","k",null,null,"openai-chat","openai/gpt-4o-mini","openai/gpt-4o-mini","openai","eu-west",0,"ok",null,"final",1795282416044,1795282416046,2,3,0,0,0,20,0,"{\"prompt_tokens\":3,\"completion_tokens\":20,\"total_tokens\":23,\"prompt_tokens_details\":{\"cached_tokens\":0,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}",12450,450,12000,12450,1,0,0.0697774,0.014633564109657196,0.6362419178111824,"gross","v0.4-2026-01",209.71781851512375,"eu-west","[{\"provider\":\"openai\",\"region\":\"eu-west\",\"model\":\"openai/gpt-4o-mini\",\"decision\":\"selected\",\"reason\":\"only_route\"}]","chatcmpl-01M7ZJQCDDTQK9MWAM8TYG0000"]', 'proc_01M7ZJQBM3DYWPTV72PRW7ENVB', 2, 'cb37d8b17538099d81c212f11134c880d56214404d4d765aa161fd52fab908fc', '7d531f67b84857ff19af740c4d11e39dd68c3976988d533cd11f9f6eacd12c75');
--> next
INSERT INTO "generation_record" ("position", "id", "account_id", "record", "chain", "sequence", "previous", "hash") VALUES (3, 'gen_01M7ZJQCDR9H13NM5QFDRWGJWP', 'acc_01M7ZJQAMPG4CGR0DBWRZCXWV0', '["gen_01M7ZJQCDR9H13NM5QFDRWGJWP","chatcmpl-01M7ZJQCDR9H13NM5QFDRWGJWP","acc_01M7ZJQAMPG4CGR0DBWRZCXWV0","43663e0d2545b0dc5560c0602452d91d0d67b5b553ccdb76e6eedc1f45389a6a","k",null,null,"openai-chat","openai/gpt-4o-mini","openai/gpt-4o-mini","openai","eu-west",1,"ok",null,"final",1795282416055,1795282416068,10,3,0,0,0,20,0,"{\"prompt_tokens\":3,\"completion_tokens\":20,\"total_tokens\":23,\"prompt_tokens_details\":{\"cached_tokens\":0,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}",12450,450,12000,12450,1,0,0.0697774,0.014633564109657196,0.6362419178111824,"gross","v0.4-2026-01",209.71781851512375,"eu-west","[{\"provider\":\"openai\",\"region\":\"eu-west\",\"model\":\"openai/gpt-4o-mini\",\"decision\":\"selected\",\"reason\":\"only_route\"}]","chatcmpl-01M7ZJQCE1X5YE0VHN360N0000"]', 'proc_01M7ZJQBM3DYWPTV72PRW7ENVB', 3, '7d531f67b84857ff19af740c4d11e39dd68c3976988d533cd11f9f6eacd12c75', 'aba67b6b9489de938a637adc7152204782801516a4af8afc491df4f42ae20b88');
--> next
INSERT INTO "generation_record" ("position", "id", "account_id", "record", "chain", "sequence", "previous", "hash") VALUES (4, 'gen_01M7ZJQCFAA01BRZ58VEQM6DPF', 'acc_01M7ZJQAMPG4CGR0DBWRZCXWV0', '["gen_01M7ZJQCFAA01BRZ58VEQM6DPF","chatcmpl-01M7ZJQCFAA01BRZ58VEQM6DPF","acc_01M7ZJQAMPG4CGR0DBWRZCXWV0","43663e0d2545b0dc5560c0602452d91d0d67b5b553ccdb76e6eedc1f45389a6a","k",null,null,"openai-chat","openai/gpt-4o-mini","openai/gpt-4o-mini","openai","eu-west",1,"ok",null,"final",1795282416106,1795282416129,22,3,0,0,0,20,0,"{\"prompt_tokens\":3,\"completion_tokens\":20,\"total_tokens\":23,\"prompt_tokens_details\":{\"cached_tokens\":0,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}",12450,450,12000,12450,1,0,0.0697774,0.014633564109657196,0.6362419178111824,"gross","v0.4-2026-01",209.71781851512375,"eu-west","[{\"provider\":\"openai\",\"region\":\"eu-west\",\"model\":\"openai/gpt-4o-mini\",\"decision\":\"selected\",\"reason\":\"only_route\"}]","chatcmpl-01M7ZJQCFRF82MPBXNPTYQ0000"]', 'proc_01M7ZJQBM3DYWPTV72PRW7ENVB', 4, 'aba67b6b9489de938a637adc7152204782801516a4af8afc491df4f42ae20b88', '641ed885686515daaea59427c8057c576eee40e92b2bc0a7758e62b4ff2483c9');
--> next
INSERT INTO "generation_record" ("position", "id", "account_id", "record", "chain", "sequence", "previous", "hash") VALUES (5, 'gen_01M7ZJQCHAG6D2DG8JDTXM92QD', 'acc_01M7ZJQAMPG4CGR0DBWRZCXWV0', '["gen_01M7ZJQCHAG6D2DG8JDTXM92QD","chatcmpl-01M7ZJQCHAG6D2DG8JDTXM92QD","acc_01M7ZJQAMPG4CGR0DBWRZCXWV0","43663e0d2545b0dc5560c0602452d91d0d67b5b553ccdb76e6eedc1f45389a6a","k","zoë",null,"openai-chat","openai/gpt-4o-mini","openai/gpt-4o-mini","openai","eu-west",0,"ok",null,"final",1795282416170,1795282416176,6,3,0,0,0,20,0,"{\"prompt_tokens\":3,\"completion_tokens\":20,\"total_tokens\":23,\"prompt_tokens_details\":{\"cached_tokens\":0,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}",12450,450,12000,12450,1,0,0.0697774,0.014633564109657196,0.6362419178111824,"gross","v0.4-2026-01",209.71781851512375,"eu-west","[{\"provider\":\"openai\",\"region\":\"eu-west\",\"model\":\"openai/gpt-4o-mini\",\"decision\":\"selected\",\"reason\":\"only_route\"}]","chatcmpl-01M7ZJQCHBGT53QDA4JQA60000"]', 'proc_01M7ZJQBM3DYWPTV72PRW7ENVB', 5, '641ed885686515daaea59427c8057c576eee40e92b2bc0a7758e62b4ff2483c9', '73745cae833933149b7caa3ac53f048c8717dad3fcb7036cf7caf538edd1304d');
--> next
INSERT INTO "generation_record" ("position", "id", "account_id", "record", "chain", "sequence", "previous", "hash") VALUES (6, 'gen_01M7ZJQCHS6DCMHJDA42K9DKPR', 'acc_01M7ZJQAMPG4CGR0DBWRZCXWV0', '["gen_01M7ZJQCHS6DCMHJDA42K9DKPR","chatcmpl-01M7ZJQCHS6DCMHJDA42K9DKPR","acc_01M7ZJQAMPG4CGR0DBWRZCXWV0","43663e0d2545b0dc5560c0602452d91d0d67b5b553ccdb76e6eedc1f45389a6a","k","zoë",null,"openai-chat","openai/gpt-4o-mini","openai/gpt-4o-mini","openai","eu-west",0,"ok",null,"final",1795282416185,1795282416187,2,3,0,0,0,20,0,"{\"prompt_tokens\":3,\"completion_tokens\":20,\"total_tokens\":23,\"prompt_tokens_details\":{\"cached_tokens\":0,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}",12450,450,12000,12450,1,0,0.0697774,0.014633564109657196,0.6362419178111824,"gross","v0.4-2026-01",209.71781851512375,"eu-west","[{\"provider\":\"openai\",\"region\":\"eu-west\",\"model\":\"openai/gpt-4o-mini\",\"decision\":\"selected\",\"reason\":\"only_route\"}]","chatcmpl-01M7ZJQCHTVE37A0A6EKZZ0000"]', 'proc_01M7ZJQBM3DYWPTV72PRW7ENVB', 6, '73745cae833933149b7caa3ac53f048c8717dad3fcb7036cf7caf538edd1304d', '2f2117528b0560c4fd7192c05fa52372bc01c0af4768dac029ae07eb9a529ae7');
--> next
CREATE INDEX `api_key_account` ON `api_key` (`account_id`,`created_at`);
--> next
CREATE INDEX `ledger_entry_account` ON `ledger_entry` (`account_id`,`id`);
--> next
CREATE INDEX `rollup_key` ON `rollup` (`key`,`day`);
--> next
CREATE VIEW `account_transaction` AS 
SELECT id, account_id, type, amount, description, created_at, NULL AS generation_id FROM ledger_entry
UNION ALL
SELECT 'txn_' || substr(id, 5), account_id, 'usage', -cost,
  coalesce(model, requested_model, 'unknown model')
    || coalesce(' - ' || (input_fresh + cache_read + cache_write_5m + cache_write_1h) || ' input tokens, '
    || (output_visible + reasoning) || ' output tokens', ''),
  created_at, id FROM generation WHERE cost <> 0;
--> next
CREATE UNIQUE INDEX `generation_id` ON `generation_record` (`id`);
--> next
CREATE INDEX `generation_account` ON `generation_record` (`account_id`,`id`);
--> next
CREATE VIEW `generation` AS SELECT position, id, account_id, record, chain, sequence, previous, hash, record ->> 1 AS completion_id, record ->> 3 AS key_id, record ->> 4 AS key_name, record ->> 5 AS user, record ->> 6 AS app, record ->> 7 AS dialect, record ->> 8 AS requested_model, record ->> 9 AS model, record ->> 10 AS provider, record ->> 11 AS region, record ->> 12 AS streamed, record ->> 13 AS status, record ->> 14 AS error_code, record ->> 15 AS settlement, record ->> 16 AS created_at, record ->> 17 AS completed_at, record ->> 18 AS latency_ms, record ->> 19 AS input_fresh, record ->> 20 AS cache_read, record ->> 21 AS cache_write_5m, record ->> 22 AS cache_write_1h, record ->> 23 AS output_visible, record ->> 24 AS reasoning, record ->> 25 AS raw_usage, record ->> 26 AS cost, record ->> 27 AS cost_prompt, record ->> 28 AS cost_completion, record ->> 29 AS upstream_cost, record ->> 30 AS usd_rate, record ->> 31 AS is_byok, record ->> 32 AS energy_wh, record ->> 33 AS carbon_g, record ->> 34 AS carbon_per_1k_g, record ->> 35 AS accuracy, record ->> 36 AS methodology, record ->> 37 AS grid_g_per_kwh, record ->> 38 AS grid_zone, record ->> 39 AS trace, record ->> 40 AS upstream_id
FROM generation_record;
