-- key lr_live_iTxJiZfcBjYbnqaaOqrOZv4ZCgnU2y8kSGcVmkW2SYv
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
INSERT INTO "schema_migration" ("position", "tag", "applied_at") VALUES (0, '0000_start', 1795282394854);
--> next
INSERT INTO "account" ("id", "name", "plan", "disabled", "created_at") VALUES ('acc_01M7ZJPQQM5BTEYQJ5CNQSM8JM', 'acme', 'prepaid', 0, 1795282394868);
--> next
INSERT INTO "allowance" ("kind", "owner", "window_start", "granted", "used", "leased") VALUES ('credit', 'acc_01M7ZJPQQM5BTEYQJ5CNQSM8JM', 0, 5000000000, 74700, 1586164);
--> next
INSERT INTO "allowance" ("kind", "owner", "window_start", "granted", "used", "leased") VALUES ('key_limit', '807d2d0bd4fada3b3c84c05f1cfb5905dacd193d85b39b1da3470eb328853282', 1793491200000, NULL, 74700, 1586164);
--> next
INSERT INTO "api_key" ("hash", "account_id", "name", "label", "type", "disabled", "limit_nano", "limit_reset", "daily_limit_nano", "monthly_limit_nano", "allowed_providers", "allowed_models", "region", "policy", "prefer_low_carbon", "rate_limit", "carbon_budget_g", "carbon_budget_reset", "carbon_budget_action", "created_at", "updated_at", "last_used_at", "expires_at") VALUES ('807d2d0bd4fada3b3c84c05f1cfb5905dacd193d85b39b1da3470eb328853282', 'acc_01M7ZJPQQM5BTEYQJ5CNQSM8JM', 'k', 'lr_live_iTxJ…2SYv', 'regular', 0, 3000000000, 'monthly', NULL, NULL, '[]', '[]', NULL, NULL, 0, '{}', NULL, NULL, '"refuse"', 1795282395261, NULL, NULL, NULL);
--> next
INSERT INTO "generation" ("id", "completion_id", "account_id", "key_id", "key_name", "user", "app", "dialect", "requested_model", "model", "provider", "region", "streamed", "status", "error_code", "settlement", "created_at", "completed_at", "latency_ms", "input_fresh", "cache_read", "cache_write_5m", "cache_write_1h", "output_visible", "reasoning", "raw_usage", "cost", "cost_prompt", "cost_completion", "upstream_cost", "usd_rate", "is_byok", "energy_wh", "carbon_g", "carbon_per_1k_g", "accuracy", "methodology", "grid_g_per_kwh", "grid_zone", "trace", "chain", "sequence", "previous", "hash") VALUES ('gen_01M7ZJPS5PJ45FEXJ5D45E1E18', 'chatcmpl-01M7ZJPS5S762PTN6SNB640000', 'acc_01M7ZJPQQM5BTEYQJ5CNQSM8JM', '807d2d0bd4fada3b3c84c05f1cfb5905dacd193d85b39b1da3470eb328853282', 'k', NULL, NULL, 'openai-chat', 'openai/gpt-4o-mini', 'openai/gpt-4o-mini', 'openai', 'eu-west', 0, 'ok', NULL, 'final', 1795282396337, 1795282396347, 10, 3, 0, 0, 0, 20, 0, '{"prompt_tokens":3,"completion_tokens":20,"total_tokens":23,"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}', 12450, 450, 12000, 12450, 1, 0, 0.0697774, 0.014633564109657196, 0.6362419178111824, 'gross', 'v0.4-2026-01', 209.71781851512375, 'eu-west', '[{"provider":"openai","region":"eu-west","model":"openai/gpt-4o-mini","decision":"selected","reason":"only_route"}]', 'proc_01M7ZJPRWNCS0S825RSM7GVXDH', 1, 'd246fa7635f5b8a1ec0d7ccc9159df18bd25827d3fbb9bdf7c8dcf258cd385db', '1ef22ef03ead238712871835e4f1bfd7b3ed5e2d125b760c884f5fae69e2adf4');
--> next
INSERT INTO "generation" ("id", "completion_id", "account_id", "key_id", "key_name", "user", "app", "dialect", "requested_model", "model", "provider", "region", "streamed", "status", "error_code", "settlement", "created_at", "completed_at", "latency_ms", "input_fresh", "cache_read", "cache_write_5m", "cache_write_1h", "output_visible", "reasoning", "raw_usage", "cost", "cost_prompt", "cost_completion", "upstream_cost", "usd_rate", "is_byok", "energy_wh", "carbon_g", "carbon_per_1k_g", "accuracy", "methodology", "grid_g_per_kwh", "grid_zone", "trace", "chain", "sequence", "previous", "hash") VALUES ('gen_01M7ZJPS88FF4V8VA7W6TF5BJ8', 'chatcmpl-01M7ZJPS8CPX6DKTSMSBDM0000', 'acc_01M7ZJPQQM5BTEYQJ5CNQSM8JM', '807d2d0bd4fada3b3c84c05f1cfb5905dacd193d85b39b1da3470eb328853282', 'k', NULL, NULL, 'openai-chat', 'openai/gpt-4o-mini', 'openai/gpt-4o-mini', 'openai', 'eu-west', 0, 'ok', NULL, 'final', 1795282396423, 1795282396428, 6, 3, 0, 0, 0, 20, 0, '{"prompt_tokens":3,"completion_tokens":20,"total_tokens":23,"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}', 12450, 450, 12000, 12450, 1, 0, 0.0697774, 0.014633564109657196, 0.6362419178111824, 'gross', 'v0.4-2026-01', 209.71781851512375, 'eu-west', '[{"provider":"openai","region":"eu-west","model":"openai/gpt-4o-mini","decision":"selected","reason":"only_route"}]', 'proc_01M7ZJPRWNCS0S825RSM7GVXDH', 2, '1ef22ef03ead238712871835e4f1bfd7b3ed5e2d125b760c884f5fae69e2adf4', '33423a32325155f3773af420bdb619b35eb2bc94c77fe6e60b53476a00a96ad7');
--> next
INSERT INTO "generation" ("id", "completion_id", "account_id", "key_id", "key_name", "user", "app", "dialect", "requested_model", "model", "provider", "region", "streamed", "status", "error_code", "settlement", "created_at", "completed_at", "latency_ms", "input_fresh", "cache_read", "cache_write_5m", "cache_write_1h", "output_visible", "reasoning", "raw_usage", "cost", "cost_prompt", "cost_completion", "upstream_cost", "usd_rate", "is_byok", "energy_wh", "carbon_g", "carbon_per_1k_g", "accuracy", "methodology", "grid_g_per_kwh", "grid_zone", "trace", "chain", "sequence", "previous", "hash") VALUES ('gen_01M7ZJPS9DV1A8WQJTAZ662Z9Y', 'chatcmpl-01M7ZJPS9EWXG2T3KZYKVR0000', 'acc_01M7ZJPQQM5BTEYQJ5CNQSM8JM', '807d2d0bd4fada3b3c84c05f1cfb5905dacd193d85b39b1da3470eb328853282', 'k', NULL, NULL, 'openai-chat', 'openai/gpt-4o-mini', 'openai/gpt-4o-mini', 'openai', 'eu-west', 1, 'ok', NULL, 'final', 1795282396460, 1795282396466, 3, 3, 0, 0, 0, 20, 0, '{"prompt_tokens":3,"completion_tokens":20,"total_tokens":23,"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}', 12450, 450, 12000, 12450, 1, 0, 0.0697774, 0.014633564109657196, 0.6362419178111824, 'gross', 'v0.4-2026-01', 209.71781851512375, 'eu-west', '[{"provider":"openai","region":"eu-west","model":"openai/gpt-4o-mini","decision":"selected","reason":"only_route"}]', 'proc_01M7ZJPRWNCS0S825RSM7GVXDH', 3, '33423a32325155f3773af420bdb619b35eb2bc94c77fe6e60b53476a00a96ad7', '6e6118f6fd9bfc34bf1fb614e6be7f765f2dba5ae3a6e7d7b1d157f5437d1af4');
--> next
INSERT INTO "generation" ("id", "completion_id", "account_id", "key_id", "key_name", "user", "app", "dialect", "requested_model", "model", "provider", "region", "streamed", "status", "error_code", "settlement", "created_at", "completed_at", "latency_ms", "input_fresh", "cache_read", "cache_write_5m", "cache_write_1h", "output_visible", "reasoning", "raw_usage", "cost", "cost_prompt", "cost_completion", "upstream_cost", "usd_rate", "is_byok", "energy_wh", "carbon_g", "carbon_per_1k_g", "accuracy", "methodology", "grid_g_per_kwh", "grid_zone", "trace", "chain", "sequence", "previous", "hash") VALUES ('gen_01M7ZJPSFWKMRX5TBWSVFHPPSB', 'chatcmpl-01M7ZJPSFZNA58KDZ6QZ2E0000', 'acc_01M7ZJPQQM5BTEYQJ5CNQSM8JM', '807d2d0bd4fada3b3c84c05f1cfb5905dacd193d85b39b1da3470eb328853282', 'k', NULL, NULL, 'openai-chat', 'openai/gpt-4o-mini', 'openai/gpt-4o-mini', 'openai', 'eu-west', 1, 'ok', NULL, 'final', 1795282396667, 1795282396674, 5, 3, 0, 0, 0, 20, 0, '{"prompt_tokens":3,"completion_tokens":20,"total_tokens":23,"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}', 12450, 450, 12000, 12450, 1, 0, 0.0697774, 0.014633564109657196, 0.6362419178111824, 'gross', 'v0.4-2026-01', 209.71781851512375, 'eu-west', '[{"provider":"openai","region":"eu-west","model":"openai/gpt-4o-mini","decision":"selected","reason":"only_route"}]', 'proc_01M7ZJPRWNCS0S825RSM7GVXDH', 4, '6e6118f6fd9bfc34bf1fb614e6be7f765f2dba5ae3a6e7d7b1d157f5437d1af4', '679241b5e0d38096bb5efc90032839c27de2c7275061e899aa7c8f10eee13459');
--> next
INSERT INTO "generation" ("id", "completion_id", "account_id", "key_id", "key_name", "user", "app", "dialect", "requested_model", "model", "provider", "region", "streamed", "status", "error_code", "settlement", "created_at", "completed_at", "latency_ms", "input_fresh", "cache_read", "cache_write_5m", "cache_write_1h", "output_visible", "reasoning", "raw_usage", "cost", "cost_prompt", "cost_completion", "upstream_cost", "usd_rate", "is_byok", "energy_wh", "carbon_g", "carbon_per_1k_g", "accuracy", "methodology", "grid_g_per_kwh", "grid_zone", "trace", "chain", "sequence", "previous", "hash") VALUES ('gen_01M7ZJPSGVCEG3DVPTDXJFSW2Z', 'chatcmpl-01M7ZJPSGVR4C8TFKXAZB10000', 'acc_01M7ZJPQQM5BTEYQJ5CNQSM8JM', '807d2d0bd4fada3b3c84c05f1cfb5905dacd193d85b39b1da3470eb328853282', 'k', 'zoë', NULL, 'openai-chat', 'openai/gpt-4o-mini', 'openai/gpt-4o-mini', 'openai', 'eu-west', 0, 'ok', NULL, 'final', 1795282396698, 1795282396700, 2, 3, 0, 0, 0, 20, 0, '{"prompt_tokens":3,"completion_tokens":20,"total_tokens":23,"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}', 12450, 450, 12000, 12450, 1, 0, 0.0697774, 0.014633564109657196, 0.6362419178111824, 'gross', 'v0.4-2026-01', 209.71781851512375, 'eu-west', '[{"provider":"openai","region":"eu-west","model":"openai/gpt-4o-mini","decision":"selected","reason":"only_route"}]', 'proc_01M7ZJPRWNCS0S825RSM7GVXDH', 5, '679241b5e0d38096bb5efc90032839c27de2c7275061e899aa7c8f10eee13459', 'ef009afe19e01fdab9b3db2bae45adb3d11f769da3da7662ba9e331fbe560711');
--> next
INSERT INTO "generation" ("id", "completion_id", "account_id", "key_id", "key_name", "user", "app", "dialect", "requested_model", "model", "provider", "region", "streamed", "status", "error_code", "settlement", "created_at", "completed_at", "latency_ms", "input_fresh", "cache_read", "cache_write_5m", "cache_write_1h", "output_visible", "reasoning", "raw_usage", "cost", "cost_prompt", "cost_completion", "upstream_cost", "usd_rate", "is_byok", "energy_wh", "carbon_g", "carbon_per_1k_g", "accuracy", "methodology", "grid_g_per_kwh", "grid_zone", "trace", "chain", "sequence", "previous", "hash") VALUES ('gen_01M7ZJPSH76DPN1FCKSK0VHY60', 'chatcmpl-01M7ZJPSH9W2T53X63F82K0000', 'acc_01M7ZJPQQM5BTEYQJ5CNQSM8JM', '807d2d0bd4fada3b3c84c05f1cfb5905dacd193d85b39b1da3470eb328853282', 'k', 'zoë', NULL, 'openai-chat', 'openai/gpt-4o-mini', 'openai/gpt-4o-mini', 'openai', 'eu-west', 0, 'ok', NULL, 'final', 1795282396710, 1795282396719, 8, 3, 0, 0, 0, 20, 0, '{"prompt_tokens":3,"completion_tokens":20,"total_tokens":23,"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}', 12450, 450, 12000, 12450, 1, 0, 0.0697774, 0.014633564109657196, 0.6362419178111824, 'gross', 'v0.4-2026-01', 209.71781851512375, 'eu-west', '[{"provider":"openai","region":"eu-west","model":"openai/gpt-4o-mini","decision":"selected","reason":"only_route"}]', 'proc_01M7ZJPRWNCS0S825RSM7GVXDH', 6, 'ef009afe19e01fdab9b3db2bae45adb3d11f769da3da7662ba9e331fbe560711', '1678809af752d60eb580165504e55ec021f2c7515cd08b0a9b3d2a47afcd8f95');
--> next
INSERT INTO "lease" ("process", "kind", "owner", "window_start", "amount") VALUES ('proc_01M7ZJPRWNCS0S825RSM7GVXDH', 'credit', 'acc_01M7ZJPQQM5BTEYQJ5CNQSM8JM', 0, 1586164);
--> next
INSERT INTO "lease" ("process", "kind", "owner", "window_start", "amount") VALUES ('proc_01M7ZJPRWNCS0S825RSM7GVXDH', 'key_limit', '807d2d0bd4fada3b3c84c05f1cfb5905dacd193d85b39b1da3470eb328853282', 1793491200000, 1586164);
--> next
INSERT INTO "ledger_entry" ("id", "account_id", "type", "amount", "description", "created_at", "by") VALUES ('txn_01M7ZJPQQMDA3NFES1VJG5PTCX', 'acc_01M7ZJPQQM5BTEYQJ5CNQSM8JM', 'credit', 5000000000, 'Opening balance', 1795282394868, 'cli');
--> next
INSERT INTO "process" ("id", "pid", "host", "started_at", "expires_at", "sequence", "head") VALUES ('proc_01M7ZJPRWNCS0S825RSM7GVXDH', 12044, 'vm', 1795282396247, 1795282456247, 6, '1678809af752d60eb580165504e55ec021f2c7515cd08b0a9b3d2a47afcd8f95');
--> next
INSERT INTO "rollup" ("day", "account", "key", "user", "model", "provider", "region", "methodology", "requests", "input_fresh", "cache_read", "cache_write_5m", "cache_write_1h", "output_visible", "reasoning", "cost", "upstream_cost", "byok_cost", "energy_wh", "carbon_g", "without_eco", "errors") VALUES ('2026-11-21', 'acc_01M7ZJPQQM5BTEYQJ5CNQSM8JM', '807d2d0bd4fada3b3c84c05f1cfb5905dacd193d85b39b1da3470eb328853282', '', 'openai/gpt-4o-mini', 'openai', 'eu-west', 'v0.4-2026-01', 4, 12, 0, 0, 0, 80, 0, 49800, 49800, 0, 0.2791096, 0.058534256438628786, 0, 0);
--> next
INSERT INTO "rollup" ("day", "account", "key", "user", "model", "provider", "region", "methodology", "requests", "input_fresh", "cache_read", "cache_write_5m", "cache_write_1h", "output_visible", "reasoning", "cost", "upstream_cost", "byok_cost", "energy_wh", "carbon_g", "without_eco", "errors") VALUES ('2026-11-21', 'acc_01M7ZJPQQM5BTEYQJ5CNQSM8JM', '807d2d0bd4fada3b3c84c05f1cfb5905dacd193d85b39b1da3470eb328853282', 'zoë', 'openai/gpt-4o-mini', 'openai', 'eu-west', 'v0.4-2026-01', 2, 6, 0, 0, 0, 40, 0, 24900, 24900, 0, 0.1395548, 0.029267128219314393, 0, 0);
--> next
INSERT INTO "setting" ("key", "value") VALUES ('access_version', '1');
--> next
CREATE INDEX `api_key_account` ON `api_key` (`account_id`,`created_at`);
--> next
CREATE INDEX `generation_account` ON `generation` (`account_id`,`id`);
--> next
CREATE INDEX `generation_completion` ON `generation` (`completion_id`);
--> next
CREATE UNIQUE INDEX `generation_chain` ON `generation` (`chain`,`sequence`);
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
