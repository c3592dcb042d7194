-- key lr_live_CpuFsFH2YbAuH8MUk5UJNClltoREP3YA3fdLMgz7pWX
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
--> next
INSERT INTO "schema_migration" ("position", "tag", "applied_at") VALUES (0, '0000_start', 1795282402069);
--> next
INSERT INTO "schema_migration" ("position", "tag", "applied_at") VALUES (1, '0001_record', 1795282402069);
--> next
INSERT INTO "account" ("id", "name", "plan", "disabled", "created_at") VALUES ('acc_01M7ZJPYSMCGFK2EX4EAPDFWTT', 'acme', 'prepaid', 0, 1795282402101);
--> next
INSERT INTO "allowance" ("kind", "owner", "window_start", "granted", "used", "leased") VALUES ('credit', 'acc_01M7ZJPYSMCGFK2EX4EAPDFWTT', 0, 5000000000, 74700, 1586164);
--> next
INSERT INTO "allowance" ("kind", "owner", "window_start", "granted", "used", "leased") VALUES ('key_limit', 'd7b89587e22c6229c9640bc6193fd37b86961c295ecfe0fea082a3f7f52ac075', 1793491200000, NULL, 74700, 1586164);
--> next
INSERT INTO "api_key" ("hash", "account_id", "name", "label", "type", "disabled", "limit_nano", "limit_reset", "daily_limit_nano", "monthly_limit_nano", "allowed_providers", "allowed_models", "region", "policy", "prefer_low_carbon", "rate_limit", "carbon_budget_g", "carbon_budget_reset", "carbon_budget_action", "created_at", "updated_at", "last_used_at", "expires_at") VALUES ('d7b89587e22c6229c9640bc6193fd37b86961c295ecfe0fea082a3f7f52ac075', 'acc_01M7ZJPYSMCGFK2EX4EAPDFWTT', 'k', 'lr_live_CpuF…7pWX', 'regular', 0, 3000000000, 'monthly', NULL, NULL, '[]', '[]', NULL, NULL, 0, '{}', NULL, NULL, '"refuse"', 1795282402483, NULL, NULL, NULL);
--> next
INSERT INTO "lease" ("process", "kind", "owner", "window_start", "amount") VALUES ('proc_01M7ZJQ217V6VH6JE761PAGYKT', 'credit', 'acc_01M7ZJPYSMCGFK2EX4EAPDFWTT', 0, 1586164);
--> next
INSERT INTO "lease" ("process", "kind", "owner", "window_start", "amount") VALUES ('proc_01M7ZJQ217V6VH6JE761PAGYKT', 'key_limit', 'd7b89587e22c6229c9640bc6193fd37b86961c295ecfe0fea082a3f7f52ac075', 1793491200000, 1586164);
--> next
INSERT INTO "ledger_entry" ("id", "account_id", "type", "amount", "description", "created_at", "by") VALUES ('txn_01M7ZJPYSNJ0QJVPYA5WSFDSWK', 'acc_01M7ZJPYSMCGFK2EX4EAPDFWTT', 'credit', 5000000000, 'Opening balance', 1795282402101, 'cli');
--> next
INSERT INTO "process" ("id", "pid", "host", "started_at", "expires_at", "sequence", "head") VALUES ('proc_01M7ZJQ217V6VH6JE761PAGYKT', 12362, 'vm', 1795282405648, 1795282465648, 6, '14a170974c361a0e7a9665be85d74ba2bb23f280f29b72a4caf8d0833ab6b3ed');
--> next
INSERT INTO "rollup" ("day", "account", "key", "user", "model", "provider", "region", "methodology", "requests", "input_fresh", "cache_read", "cache_write_5m", "cache_write_1h", "output_visible", "reasoning", "cost", "upstream_cost", "byok_cost", "energy_wh", "carbon_g", "without_eco", "errors") VALUES ('2026-11-21', 'acc_01M7ZJPYSMCGFK2EX4EAPDFWTT', 'd7b89587e22c6229c9640bc6193fd37b86961c295ecfe0fea082a3f7f52ac075', '', 'openai/gpt-4o-mini', 'openai', 'eu-west', 'v0.4-2026-01', 4, 12, 0, 0, 0, 80, 0, 49800, 49800, 0, 0.2791096, 0.058534256438628786, 0, 0);
--> next
INSERT INTO "rollup" ("day", "account", "key", "user", "model", "provider", "region", "methodology", "requests", "input_fresh", "cache_read", "cache_write_5m", "cache_write_1h", "output_visible", "reasoning", "cost", "upstream_cost", "byok_cost", "energy_wh", "carbon_g", "without_eco", "errors") VALUES ('2026-11-21', 'acc_01M7ZJPYSMCGFK2EX4EAPDFWTT', 'd7b89587e22c6229c9640bc6193fd37b86961c295ecfe0fea082a3f7f52ac075', 'zoë', 'openai/gpt-4o-mini', 'openai', 'eu-west', 'v0.4-2026-01', 2, 6, 0, 0, 0, 40, 0, 24900, 24900, 0, 0.1395548, 0.029267128219314393, 0, 0);
--> next
INSERT INTO "setting" ("key", "value") VALUES ('access_version', '1');
--> next
INSERT INTO "generation" ("position", "id", "account_id", "record", "chain", "sequence", "previous", "hash") VALUES (1, 'gen_01M7ZJQ2MNRTSB83SHVTETPTFJ', 'acc_01M7ZJPYSMCGFK2EX4EAPDFWTT', '["gen_01M7ZJQ2MNRTSB83SHVTETPTFJ","chatcmpl-01M7ZJQ2MNRTSB83SHVTETPTFJ","acc_01M7ZJPYSMCGFK2EX4EAPDFWTT","d7b89587e22c6229c9640bc6193fd37b86961c295ecfe0fea082a3f7f52ac075","k",null,null,"openai-chat","openai/gpt-4o-mini","openai/gpt-4o-mini","openai","eu-west",0,"ok",null,"final",1795282406017,1795282406070,51,3,0,0,0,20,0,"{\"prompt_tokens\":3,\"completion_tokens\":20,\"total_tokens\":23,\"prompt_tokens_details\":{\"cached_tokens\":0,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}",12450,450,12000,12450,1,0,0.0697774,0.014633564109657196,0.6362419178111824,"gross","v0.4-2026-01",209.71781851512375,"eu-west","[{\"provider\":\"openai\",\"region\":\"eu-west\",\"model\":\"openai/gpt-4o-mini\",\"decision\":\"selected\",\"reason\":\"only_route\"}]","chatcmpl-01M7ZJQ2N43P79DS25MDHH0000"]', 'proc_01M7ZJQ217V6VH6JE761PAGYKT', 1, '017faa3997184dd0c1277ca558413dbf70e9a4be35e17d4d2287c72710db02fd', 'bea46e029bfd9e1ca97672b5ae51ac612386b67923728ff89705c192704d238e');
--> next
INSERT INTO "generation" ("position", "id", "account_id", "record", "chain", "sequence", "previous", "hash") VALUES (2, 'gen_01M7ZJQ2VSQ41XARBYY2Q279VR', 'acc_01M7ZJPYSMCGFK2EX4EAPDFWTT', '["gen_01M7ZJQ2VSQ41XARBYY2Q279VR","chatcmpl-01M7ZJQ2VSQ41XARBYY2Q279VR","acc_01M7ZJPYSMCGFK2EX4EAPDFWTT","d7b89587e22c6229c9640bc6193fd37b86961c295ecfe0fea082a3f7f52ac075","k",null,null,"openai-chat","openai/gpt-4o-mini","openai/gpt-4o-mini","openai","eu-west",0,"ok",null,"final",1795282406265,1795282406280,15,3,0,0,0,20,0,"{\"prompt_tokens\":3,\"completion_tokens\":20,\"total_tokens\":23,\"prompt_tokens_details\":{\"cached_tokens\":0,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}",12450,450,12000,12450,1,0,0.0697774,0.014633564109657196,0.6362419178111824,"gross","v0.4-2026-01",209.71781851512375,"eu-west","[{\"provider\":\"openai\",\"region\":\"eu-west\",\"model\":\"openai/gpt-4o-mini\",\"decision\":\"selected\",\"reason\":\"only_route\"}]","chatcmpl-01M7ZJQ2W2FYFMXDQ0BRE60000"]', 'proc_01M7ZJQ217V6VH6JE761PAGYKT', 2, 'bea46e029bfd9e1ca97672b5ae51ac612386b67923728ff89705c192704d238e', '3718e08f08e2b87e9b961fc1eb312534257c7e7701cf0a71cfd64318e6aceb34');
--> next
INSERT INTO "generation" ("position", "id", "account_id", "record", "chain", "sequence", "previous", "hash") VALUES (3, 'gen_01M7ZJQ2YKE5PMC19CVH4YXZPF', 'acc_01M7ZJPYSMCGFK2EX4EAPDFWTT', '["gen_01M7ZJQ2YKE5PMC19CVH4YXZPF","chatcmpl-01M7ZJQ2YKE5PMC19CVH4YXZPF","acc_01M7ZJPYSMCGFK2EX4EAPDFWTT","d7b89587e22c6229c9640bc6193fd37b86961c295ecfe0fea082a3f7f52ac075","k",null,null,"openai-chat","openai/gpt-4o-mini","openai/gpt-4o-mini","openai","eu-west",1,"ok",null,"final",1795282406354,1795282406415,25,3,0,0,0,20,0,"{\"prompt_tokens\":3,\"completion_tokens\":20,\"total_tokens\":23,\"prompt_tokens_details\":{\"cached_tokens\":0,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}",12450,450,12000,12450,1,0,0.0697774,0.014633564109657196,0.6362419178111824,"gross","v0.4-2026-01",209.71781851512375,"eu-west","[{\"provider\":\"openai\",\"region\":\"eu-west\",\"model\":\"openai/gpt-4o-mini\",\"decision\":\"selected\",\"reason\":\"only_route\"}]","chatcmpl-01M7ZJQ2YT3DEKP5SEY9M60000"]', 'proc_01M7ZJQ217V6VH6JE761PAGYKT', 3, '3718e08f08e2b87e9b961fc1eb312534257c7e7701cf0a71cfd64318e6aceb34', '47c73e3c0780060302e27966a864a1c5a454798c234395fc1b0cba4563bdaaba');
--> next
INSERT INTO "generation" ("position", "id", "account_id", "record", "chain", "sequence", "previous", "hash") VALUES (4, 'gen_01M7ZJQ34EDV7MKG6HHZKKGAAY', 'acc_01M7ZJPYSMCGFK2EX4EAPDFWTT', '["gen_01M7ZJQ34EDV7MKG6HHZKKGAAY","chatcmpl-01M7ZJQ34EDV7MKG6HHZKKGAAY","acc_01M7ZJPYSMCGFK2EX4EAPDFWTT","d7b89587e22c6229c9640bc6193fd37b86961c295ecfe0fea082a3f7f52ac075","k",null,null,"openai-chat","openai/gpt-4o-mini","openai/gpt-4o-mini","openai","eu-west",1,"ok",null,"final",1795282406541,1795282406561,13,3,0,0,0,20,0,"{\"prompt_tokens\":3,\"completion_tokens\":20,\"total_tokens\":23,\"prompt_tokens_details\":{\"cached_tokens\":0,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}",12450,450,12000,12450,1,0,0.0697774,0.014633564109657196,0.6362419178111824,"gross","v0.4-2026-01",209.71781851512375,"eu-west","[{\"provider\":\"openai\",\"region\":\"eu-west\",\"model\":\"openai/gpt-4o-mini\",\"decision\":\"selected\",\"reason\":\"only_route\"}]","chatcmpl-01M7ZJQ34G9HJWT50M7MX20000"]', 'proc_01M7ZJQ217V6VH6JE761PAGYKT', 4, '47c73e3c0780060302e27966a864a1c5a454798c234395fc1b0cba4563bdaaba', 'cee3829b37f488762c264b6a743a2deba584daee5c2ccb8cf311cd338b680e55');
--> next
INSERT INTO "generation" ("position", "id", "account_id", "record", "chain", "sequence", "previous", "hash") VALUES (5, 'gen_01M7ZJQ37GQER8FQNR38PCNMFP', 'acc_01M7ZJPYSMCGFK2EX4EAPDFWTT', '["gen_01M7ZJQ37GQER8FQNR38PCNMFP","chatcmpl-01M7ZJQ37GQER8FQNR38PCNMFP","acc_01M7ZJPYSMCGFK2EX4EAPDFWTT","d7b89587e22c6229c9640bc6193fd37b86961c295ecfe0fea082a3f7f52ac075","k","zoë",null,"openai-chat","openai/gpt-4o-mini","openai/gpt-4o-mini","openai","eu-west",0,"ok",null,"final",1795282406639,1795282406656,17,3,0,0,0,20,0,"{\"prompt_tokens\":3,\"completion_tokens\":20,\"total_tokens\":23,\"prompt_tokens_details\":{\"cached_tokens\":0,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}",12450,450,12000,12450,1,0,0.0697774,0.014633564109657196,0.6362419178111824,"gross","v0.4-2026-01",209.71781851512375,"eu-west","[{\"provider\":\"openai\",\"region\":\"eu-west\",\"model\":\"openai/gpt-4o-mini\",\"decision\":\"selected\",\"reason\":\"only_route\"}]","chatcmpl-01M7ZJQ37PD9F6VGK3EFA10000"]', 'proc_01M7ZJQ217V6VH6JE761PAGYKT', 5, 'cee3829b37f488762c264b6a743a2deba584daee5c2ccb8cf311cd338b680e55', '1c6585175a5fc4bed5ccf80b1aa170dbff41d1d18af42b92370aa59ce75350cc');
--> next
INSERT INTO "generation" ("position", "id", "account_id", "record", "chain", "sequence", "previous", "hash") VALUES (6, 'gen_01M7ZJQ3C2ZDRAJ2M7K020APBC', 'acc_01M7ZJPYSMCGFK2EX4EAPDFWTT', '["gen_01M7ZJQ3C2ZDRAJ2M7K020APBC","chatcmpl-01M7ZJQ3C2ZDRAJ2M7K020APBC","acc_01M7ZJPYSMCGFK2EX4EAPDFWTT","d7b89587e22c6229c9640bc6193fd37b86961c295ecfe0fea082a3f7f52ac075","k","zoë",null,"openai-chat","openai/gpt-4o-mini","openai/gpt-4o-mini","openai","eu-west",0,"ok",null,"final",1795282406786,1795282406790,4,3,0,0,0,20,0,"{\"prompt_tokens\":3,\"completion_tokens\":20,\"total_tokens\":23,\"prompt_tokens_details\":{\"cached_tokens\":0,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}",12450,450,12000,12450,1,0,0.0697774,0.014633564109657196,0.6362419178111824,"gross","v0.4-2026-01",209.71781851512375,"eu-west","[{\"provider\":\"openai\",\"region\":\"eu-west\",\"model\":\"openai/gpt-4o-mini\",\"decision\":\"selected\",\"reason\":\"only_route\"}]","chatcmpl-01M7ZJQ3C3SXXSZYQ3KEM00000"]', 'proc_01M7ZJQ217V6VH6JE761PAGYKT', 6, '1c6585175a5fc4bed5ccf80b1aa170dbff41d1d18af42b92370aa59ce75350cc', '14a170974c361a0e7a9665be85d74ba2bb23f280f29b72a4caf8d0833ab6b3ed');
--> next
CREATE INDEX `api_key_account` ON `api_key` (`account_id`,`created_at`);
--> next
CREATE INDEX `ledger_entry_account` ON `ledger_entry` (`account_id`,`id`);
--> next
CREATE INDEX `rollup_key` ON `rollup` (`key`,`day`);
--> next
CREATE UNIQUE INDEX `generation_id` ON `generation` (`id`);
--> next
CREATE INDEX `generation_account` ON `generation` (`account_id`,`id`);
--> next
CREATE VIEW `account_transaction` AS 
SELECT id, account_id, type, amount, description, created_at, NULL AS generation_id FROM ledger_entry
UNION ALL
SELECT 'txn_' || substr(id, 5), account_id, 'usage', -cost,
  coalesce(model, requested_model, 'unknown model')
    || coalesce(' - ' || (input_fresh + cache_read + cache_write_5m + cache_write_1h) || ' input tokens, '
    || (output_visible + reasoning) || ' output tokens', ''),
  created_at, id FROM generation WHERE cost <> 0;
