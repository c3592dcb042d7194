-- key lr_live_IIsU1B4qP86YIUY3snlogeYi0lurJTncR8xMwO1WQFg
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
, `hedge` integer DEFAULT false NOT NULL);
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
CREATE TABLE `provider_health` (
	`process` text NOT NULL,
	`provider` text NOT NULL,
	`region` text NOT NULL,
	`model` text NOT NULL,
	`state` text NOT NULL,
	`reason` text,
	`since` integer,
	`open_until` integer DEFAULT 0 NOT NULL,
	`cool_until` integer DEFAULT 0 NOT NULL,
	`latency_p50_ms` real,
	`latency_p95_ms` real,
	`throughput_p50` real,
	`in_flight` integer DEFAULT 0 NOT NULL,
	`updated_at` integer NOT NULL,
	PRIMARY KEY(`process`, `provider`, `region`, `model`)
);
--> next
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
--> next
CREATE TABLE `audit_event` (
	`id` text PRIMARY KEY NOT NULL,
	`at` integer NOT NULL,
	`actor` text,
	`action` text NOT NULL,
	`target` text,
	`account_id` text,
	`address` text,
	`detail` text DEFAULT '{}' NOT NULL
);
--> next
CREATE TABLE `membership` (
	`account_id` text NOT NULL,
	`person_id` text NOT NULL,
	`role` text NOT NULL,
	`created_at` integer NOT NULL,
	PRIMARY KEY(`account_id`, `person_id`)
);
--> next
CREATE TABLE `one_use_link` (
	`id` text PRIMARY KEY NOT NULL,
	`hash` text NOT NULL,
	`purpose` text NOT NULL,
	`email` text,
	`account_id` text,
	`role` text,
	`operator` integer DEFAULT false NOT NULL,
	`credit_nano` integer DEFAULT 0 NOT NULL,
	`person_id` text,
	`created_at` integer NOT NULL,
	`created_by` text NOT NULL,
	`expires_at` integer NOT NULL,
	`used_at` integer,
	`used_by` text,
	`revoked_at` integer
);
--> next
CREATE TABLE `person` (
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`email` text NOT NULL,
	`email_verified` integer DEFAULT false NOT NULL,
	`image` text,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`two_factor_enabled` integer DEFAULT false NOT NULL,
	`operator` integer DEFAULT false NOT NULL,
	`disabled` integer DEFAULT false NOT NULL,
	`account_id` text NOT NULL
);
--> next
CREATE TABLE `person_login` (
	`id` text PRIMARY KEY NOT NULL,
	`person_id` text NOT NULL,
	`provider` text NOT NULL,
	`subject` text NOT NULL,
	`password` text,
	`access_token` text,
	`refresh_token` text,
	`id_token` text,
	`access_token_expires_at` integer,
	`refresh_token_expires_at` integer,
	`scope` text,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL
);
--> next
CREATE TABLE `person_passkey` (
	`id` text PRIMARY KEY NOT NULL,
	`person_id` text NOT NULL,
	`name` text,
	`public_key` text NOT NULL,
	`credential_id` text NOT NULL,
	`counter` integer NOT NULL,
	`device_type` text NOT NULL,
	`backed_up` integer NOT NULL,
	`transports` text,
	`created_at` integer,
	`aaguid` text
);
--> next
CREATE TABLE `person_session` (
	`id` text PRIMARY KEY NOT NULL,
	`token` text NOT NULL,
	`person_id` text NOT NULL,
	`expires_at` integer NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`address` text,
	`user_agent` text,
	`account_id` text
);
--> next
CREATE TABLE `person_two_factor` (
	`id` text PRIMARY KEY NOT NULL,
	`person_id` text NOT NULL,
	`secret` text NOT NULL,
	`backup_codes` text NOT NULL,
	`verified` integer DEFAULT true,
	`failed_verification_count` integer DEFAULT 0,
	`locked_until` integer
);
--> next
CREATE TABLE `person_verification` (
	`id` text PRIMARY KEY NOT NULL,
	`identifier` text NOT NULL,
	`value` text NOT NULL,
	`expires_at` integer NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL
);
--> next
INSERT INTO "schema_migration" ("position", "tag", "applied_at") VALUES (0, '0000_start', 1795282425437);
--> next
INSERT INTO "schema_migration" ("position", "tag", "applied_at") VALUES (1, '0001_record', 1795282425437);
--> next
INSERT INTO "schema_migration" ("position", "tag", "applied_at") VALUES (2, '0002_health', 1795282425437);
--> next
INSERT INTO "schema_migration" ("position", "tag", "applied_at") VALUES (3, '0003_provider_key', 1795282425437);
--> next
INSERT INTO "schema_migration" ("position", "tag", "applied_at") VALUES (4, '0004_people', 1795282425438);
--> next
INSERT INTO "account" ("id", "name", "plan", "disabled", "created_at") VALUES ('acc_01M7ZJQNKWV52A4BGCTNM90000', 'acme', 'prepaid', 0, 1795282425468);
--> next
INSERT INTO "allowance" ("kind", "owner", "window_start", "granted", "used", "leased") VALUES ('credit', 'acc_01M7ZJQNKWV52A4BGCTNM90000', 0, 5000000000, 74700, 1586164);
--> next
INSERT INTO "allowance" ("kind", "owner", "window_start", "granted", "used", "leased") VALUES ('key_limit', '43111e431f8b365e8f85b4d21b3740bfe5e945160df6907eb433f68b0e7fba6a', 1793491200000, NULL, 74700, 1586164);
--> next
INSERT INTO "api_key" ("hash", "account_id", "name", "label", "type", "disabled", "limit_nano", "limit_reset", "daily_limit_nano", "monthly_limit_nano", "allowed_providers", "allowed_models", "region", "policy", "prefer_low_carbon", "rate_limit", "carbon_budget_g", "carbon_budget_reset", "carbon_budget_action", "created_at", "updated_at", "last_used_at", "expires_at", "hedge") VALUES ('43111e431f8b365e8f85b4d21b3740bfe5e945160df6907eb433f68b0e7fba6a', 'acc_01M7ZJQNKWV52A4BGCTNM90000', 'k', 'lr_live_IIsU…WQFg', 'regular', 0, 3000000000, 'monthly', NULL, NULL, '[]', '[]', NULL, NULL, 0, '{}', NULL, NULL, '"refuse"', 1795282426106, NULL, NULL, NULL, 0);
--> next
INSERT INTO "lease" ("process", "kind", "owner", "window_start", "amount") VALUES ('proc_01M7ZJQQ0M3P81Y6CNFXX50000', 'credit', 'acc_01M7ZJQNKWV52A4BGCTNM90000', 0, 1586164);
--> next
INSERT INTO "lease" ("process", "kind", "owner", "window_start", "amount") VALUES ('proc_01M7ZJQQ0M3P81Y6CNFXX50000', 'key_limit', '43111e431f8b365e8f85b4d21b3740bfe5e945160df6907eb433f68b0e7fba6a', 1793491200000, 1586164);
--> next
INSERT INTO "ledger_entry" ("id", "account_id", "type", "amount", "description", "created_at", "by") VALUES ('txn_01M7ZJQNKWV52A4BGCTNM90001', 'acc_01M7ZJQNKWV52A4BGCTNM90000', 'credit', 5000000000, 'Opening balance', 1795282425468, 'cli');
--> next
INSERT INTO "process" ("id", "pid", "host", "started_at", "expires_at", "sequence", "head") VALUES ('proc_01M7ZJQQ0M3P81Y6CNFXX50000', 12925, 'vm', 1795282427106, 1795282487106, 6, '7ade3b9c04c92463e5ff5ec8a72f81b62d7a32ad6c2cd46ee75964dbbdf1b5cf');
--> next
INSERT INTO "rollup" ("day", "account", "key", "user", "model", "provider", "region", "methodology", "requests", "input_fresh", "cache_read", "cache_write_5m", "cache_write_1h", "output_visible", "reasoning", "cost", "upstream_cost", "byok_cost", "energy_wh", "carbon_g", "without_eco", "errors") VALUES ('2026-11-21', 'acc_01M7ZJQNKWV52A4BGCTNM90000', '43111e431f8b365e8f85b4d21b3740bfe5e945160df6907eb433f68b0e7fba6a', '', 'openai/gpt-4o-mini', 'openai', 'eu-west', 'v0.4-2026-01', 4, 12, 0, 0, 0, 80, 0, 49800, 49800, 0, 0.2791096, 0.058534256438628786, 0, 0);
--> next
INSERT INTO "rollup" ("day", "account", "key", "user", "model", "provider", "region", "methodology", "requests", "input_fresh", "cache_read", "cache_write_5m", "cache_write_1h", "output_visible", "reasoning", "cost", "upstream_cost", "byok_cost", "energy_wh", "carbon_g", "without_eco", "errors") VALUES ('2026-11-21', 'acc_01M7ZJQNKWV52A4BGCTNM90000', '43111e431f8b365e8f85b4d21b3740bfe5e945160df6907eb433f68b0e7fba6a', 'zoë', 'openai/gpt-4o-mini', 'openai', 'eu-west', 'v0.4-2026-01', 2, 6, 0, 0, 0, 40, 0, 24900, 24900, 0, 0.1395548, 0.029267128219314393, 0, 0);
--> next
INSERT INTO "setting" ("key", "value") VALUES ('access_version', '1');
--> next
INSERT INTO "generation_record" ("position", "id", "account_id", "record", "chain", "sequence", "previous", "hash") VALUES (1, 'gen_01M7ZJQQGYR884VY3PW6MR0000', 'acc_01M7ZJQNKWV52A4BGCTNM90000', '["gen_01M7ZJQQGYR884VY3PW6MR0000","chatcmpl-01M7ZJQQGYR884VY3PW6MR0000","acc_01M7ZJQNKWV52A4BGCTNM90000","43111e431f8b365e8f85b4d21b3740bfe5e945160df6907eb433f68b0e7fba6a","k",null,null,"openai-chat","openai/gpt-4o-mini","openai/gpt-4o-mini","openai","eu-west",0,"ok",null,"final",1795282427353,1795282427477,124,3,0,0,0,20,0,"{\"prompt_tokens\":3,\"completion_tokens\":20,\"total_tokens\":23,\"prompt_tokens_details\":{\"cached_tokens\":0,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}",12450,450,12000,12450,1,0,0.0697774,0.014633564109657196,0.6362419178111824,"gross","v0.4-2026-01",209.71781851512375,"eu-west","[{\"provider\":\"openai\",\"region\":\"eu-west\",\"model\":\"openai/gpt-4o-mini\",\"decision\":\"selected\",\"reason\":\"only_route\",\"basis\":\"published\"}]","chatcmpl-01M7ZJQQJG1MYNH45C4QNF0000",null,null]', 'proc_01M7ZJQQ0M3P81Y6CNFXX50000', 1, 'e5b8591d68cbceff94b6fa76fa6472ce766b5b81c87adbd30c355c2893a236a9', '33257dc1eb6ff0121c5c9a999ab8fdb6a003c80283b5298d10a94a60c0ec31ad');
--> next
INSERT INTO "generation_record" ("position", "id", "account_id", "record", "chain", "sequence", "previous", "hash") VALUES (2, 'gen_01M7ZJQQMYED36AYGNV2A00000', 'acc_01M7ZJQNKWV52A4BGCTNM90000', '["gen_01M7ZJQQMYED36AYGNV2A00000","chatcmpl-01M7ZJQQMYED36AYGNV2A00000","acc_01M7ZJQNKWV52A4BGCTNM90000","43111e431f8b365e8f85b4d21b3740bfe5e945160df6907eb433f68b0e7fba6a","k",null,null,"openai-chat","openai/gpt-4o-mini","openai/gpt-4o-mini","openai","eu-west",0,"ok",null,"final",1795282427543,1795282427562,19,3,0,0,0,20,0,"{\"prompt_tokens\":3,\"completion_tokens\":20,\"total_tokens\":23,\"prompt_tokens_details\":{\"cached_tokens\":0,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}",12450,450,12000,12450,1,0,0.0697774,0.014633564109657196,0.6362419178111824,"gross","v0.4-2026-01",209.71781851512375,"eu-west","[{\"provider\":\"openai\",\"region\":\"eu-west\",\"model\":\"openai/gpt-4o-mini\",\"decision\":\"selected\",\"reason\":\"only_route\",\"basis\":\"published\"}]","chatcmpl-01M7ZJQQN6B1TNBS7A6XNP0000",null,null]', 'proc_01M7ZJQQ0M3P81Y6CNFXX50000', 2, '33257dc1eb6ff0121c5c9a999ab8fdb6a003c80283b5298d10a94a60c0ec31ad', '8a71571ea64c7000a3a315c4fb2773394cee641ff034d3adb48f17f829dcd918');
--> next
INSERT INTO "generation_record" ("position", "id", "account_id", "record", "chain", "sequence", "previous", "hash") VALUES (3, 'gen_01M7ZJQQQE848NYC8T5P2G0000', 'acc_01M7ZJQNKWV52A4BGCTNM90000', '["gen_01M7ZJQQQE848NYC8T5P2G0000","chatcmpl-01M7ZJQQQE848NYC8T5P2G0000","acc_01M7ZJQNKWV52A4BGCTNM90000","43111e431f8b365e8f85b4d21b3740bfe5e945160df6907eb433f68b0e7fba6a","k",null,null,"openai-chat","openai/gpt-4o-mini","openai/gpt-4o-mini","openai","eu-west",1,"ok",null,"final",1795282427629,1795282427635,3,3,0,0,0,20,0,"{\"prompt_tokens\":3,\"completion_tokens\":20,\"total_tokens\":23,\"prompt_tokens_details\":{\"cached_tokens\":0,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}",12450,450,12000,12450,1,0,0.0697774,0.014633564109657196,0.6362419178111824,"gross","v0.4-2026-01",209.71781851512375,"eu-west","[{\"provider\":\"openai\",\"region\":\"eu-west\",\"model\":\"openai/gpt-4o-mini\",\"decision\":\"selected\",\"reason\":\"only_route\",\"basis\":\"published\"}]","chatcmpl-01M7ZJQQQGAGV63CBMKJ9N0000",null,null]', 'proc_01M7ZJQQ0M3P81Y6CNFXX50000', 3, '8a71571ea64c7000a3a315c4fb2773394cee641ff034d3adb48f17f829dcd918', '109ad0c335467effb33cd3d593f664d44668b104bcc587b7d37185171debd657');
--> next
INSERT INTO "generation_record" ("position", "id", "account_id", "record", "chain", "sequence", "previous", "hash") VALUES (4, 'gen_01M7ZJQQRV05APS8DM4JSM0000', 'acc_01M7ZJQNKWV52A4BGCTNM90000', '["gen_01M7ZJQQRV05APS8DM4JSM0000","chatcmpl-01M7ZJQQRV05APS8DM4JSM0000","acc_01M7ZJQNKWV52A4BGCTNM90000","43111e431f8b365e8f85b4d21b3740bfe5e945160df6907eb433f68b0e7fba6a","k",null,null,"openai-chat","openai/gpt-4o-mini","openai/gpt-4o-mini","openai","eu-west",1,"ok",null,"final",1795282427675,1795282427682,6,3,0,0,0,20,0,"{\"prompt_tokens\":3,\"completion_tokens\":20,\"total_tokens\":23,\"prompt_tokens_details\":{\"cached_tokens\":0,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}",12450,450,12000,12450,1,0,0.0697774,0.014633564109657196,0.6362419178111824,"gross","v0.4-2026-01",209.71781851512375,"eu-west","[{\"provider\":\"openai\",\"region\":\"eu-west\",\"model\":\"openai/gpt-4o-mini\",\"decision\":\"selected\",\"reason\":\"only_route\",\"basis\":\"published\"}]","chatcmpl-01M7ZJQQS119MFMBSVV5WC0000",null,null]', 'proc_01M7ZJQQ0M3P81Y6CNFXX50000', 4, '109ad0c335467effb33cd3d593f664d44668b104bcc587b7d37185171debd657', 'b34d6ddb38402a10fe666567499965c595bb48bef011132a0cfe32dda815f397');
--> next
INSERT INTO "generation_record" ("position", "id", "account_id", "record", "chain", "sequence", "previous", "hash") VALUES (5, 'gen_01M7ZJQQSC32GYQP3483EY0000', 'acc_01M7ZJQNKWV52A4BGCTNM90000', '["gen_01M7ZJQQSC32GYQP3483EY0000","chatcmpl-01M7ZJQQSC32GYQP3483EY0000","acc_01M7ZJQNKWV52A4BGCTNM90000","43111e431f8b365e8f85b4d21b3740bfe5e945160df6907eb433f68b0e7fba6a","k","zoë",null,"openai-chat","openai/gpt-4o-mini","openai/gpt-4o-mini","openai","eu-west",0,"ok",null,"final",1795282427691,1795282427693,2,3,0,0,0,20,0,"{\"prompt_tokens\":3,\"completion_tokens\":20,\"total_tokens\":23,\"prompt_tokens_details\":{\"cached_tokens\":0,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}",12450,450,12000,12450,1,0,0.0697774,0.014633564109657196,0.6362419178111824,"gross","v0.4-2026-01",209.71781851512375,"eu-west","[{\"provider\":\"openai\",\"region\":\"eu-west\",\"model\":\"openai/gpt-4o-mini\",\"decision\":\"selected\",\"reason\":\"only_route\",\"basis\":\"published\"}]","chatcmpl-01M7ZJQQSD6JMWN8Z5WB5W0000",null,null]', 'proc_01M7ZJQQ0M3P81Y6CNFXX50000', 5, 'b34d6ddb38402a10fe666567499965c595bb48bef011132a0cfe32dda815f397', '140ca4fc389ba88791e6d735aec191d4c52468d403eebed5eb656a7959564603');
--> next
INSERT INTO "generation_record" ("position", "id", "account_id", "record", "chain", "sequence", "previous", "hash") VALUES (6, 'gen_01M7ZJQQV9PS61V468E2C80000', 'acc_01M7ZJQNKWV52A4BGCTNM90000', '["gen_01M7ZJQQV9PS61V468E2C80000","chatcmpl-01M7ZJQQV9PS61V468E2C80000","acc_01M7ZJQNKWV52A4BGCTNM90000","43111e431f8b365e8f85b4d21b3740bfe5e945160df6907eb433f68b0e7fba6a","k","zoë",null,"openai-chat","openai/gpt-4o-mini","openai/gpt-4o-mini","openai","eu-west",0,"ok",null,"final",1795282427752,1795282427760,8,3,0,0,0,20,0,"{\"prompt_tokens\":3,\"completion_tokens\":20,\"total_tokens\":23,\"prompt_tokens_details\":{\"cached_tokens\":0,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}",12450,450,12000,12450,1,0,0.0697774,0.014633564109657196,0.6362419178111824,"gross","v0.4-2026-01",209.71781851512375,"eu-west","[{\"provider\":\"openai\",\"region\":\"eu-west\",\"model\":\"openai/gpt-4o-mini\",\"decision\":\"selected\",\"reason\":\"only_route\",\"basis\":\"published\"}]","chatcmpl-01M7ZJQQVAQKHJTW991J5P0000",null,null]', 'proc_01M7ZJQQ0M3P81Y6CNFXX50000', 6, '140ca4fc389ba88791e6d735aec191d4c52468d403eebed5eb656a7959564603', '7ade3b9c04c92463e5ff5ec8a72f81b62d7a32ad6c2cd46ee75964dbbdf1b5cf');
--> next
INSERT INTO "provider_health" ("process", "provider", "region", "model", "state", "reason", "since", "open_until", "cool_until", "latency_p50_ms", "latency_p95_ms", "throughput_p50", "in_flight", "updated_at") VALUES ('x', 'x', 'x', 'x', 'x', NULL, NULL, 0, 0, NULL, NULL, NULL, 0, 0);
--> next
INSERT INTO "provider_key" ("id", "account_id", "provider", "label", "kind", "envelope", "shown", "weight", "rpm_limit", "base_url", "region", "deployment", "supported_models", "always_use", "is_fallback", "disabled", "allowed_models", "allowed_api_key_hashes", "daily_budget_nano", "monthly_budget_nano", "created_at", "updated_at", "last_used_at") VALUES ('x', NULL, 'x', 'x', 'x', 'x', 'x', 1, NULL, NULL, NULL, NULL, '[]', 0, 0, 0, '[]', '[]', NULL, NULL, 0, NULL, NULL);
--> next
INSERT INTO "audit_event" ("id", "at", "actor", "action", "target", "account_id", "address", "detail") VALUES ('evt_01M7ZJQQD39NKRPXWY6J5W0001', 1795282427299, 'serve', 'setup.created', 'inv_01M7ZJQQD39NKRPXWY6J5W0000', 'acc_01M7ZJQNKWV52A4BGCTNM90000', NULL, '{"operator":true,"role":"owner","credit_nano":0}');
--> next
INSERT INTO "membership" ("account_id", "person_id", "role", "created_at") VALUES ('x', 'x', 'x', 0);
--> next
INSERT INTO "one_use_link" ("id", "hash", "purpose", "email", "account_id", "role", "operator", "credit_nano", "person_id", "created_at", "created_by", "expires_at", "used_at", "used_by", "revoked_at") VALUES ('inv_01M7ZJQQD39NKRPXWY6J5W0000', 'ef5a48e2b94704845ad6fd161bb1cdf48d6c8edf0f62483ba1302140362be8d8', 'setup', NULL, 'acc_01M7ZJQNKWV52A4BGCTNM90000', 'owner', 1, 0, NULL, 1795282427299, 'serve', 1795284227299, NULL, NULL, NULL);
--> next
INSERT INTO "person" ("id", "name", "email", "email_verified", "image", "created_at", "updated_at", "two_factor_enabled", "operator", "disabled", "account_id") VALUES ('x', 'x', 'x', 0, NULL, 0, 0, 0, 0, 0, 'x');
--> next
INSERT INTO "person_login" ("id", "person_id", "provider", "subject", "password", "access_token", "refresh_token", "id_token", "access_token_expires_at", "refresh_token_expires_at", "scope", "created_at", "updated_at") VALUES ('x', 'x', 'x', 'x', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, 0);
--> next
INSERT INTO "person_passkey" ("id", "person_id", "name", "public_key", "credential_id", "counter", "device_type", "backed_up", "transports", "created_at", "aaguid") VALUES ('x', 'x', NULL, 'x', 'x', 0, 'x', 0, NULL, NULL, NULL);
--> next
INSERT INTO "person_session" ("id", "token", "person_id", "expires_at", "created_at", "updated_at", "address", "user_agent", "account_id") VALUES ('x', 'x', 'x', 0, 0, 0, NULL, NULL, NULL);
--> next
INSERT INTO "person_two_factor" ("id", "person_id", "secret", "backup_codes", "verified", "failed_verification_count", "locked_until") VALUES ('x', 'x', 'x', 'x', 1, 0, NULL);
--> next
INSERT INTO "person_verification" ("id", "identifier", "value", "expires_at", "created_at", "updated_at") VALUES ('x', 'x', 'x', 0, 0, 0);
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
CREATE VIEW `generation` AS SELECT position, id, account_id, record, chain, sequence, previous, hash, record ->> 1 AS completion_id, record ->> 3 AS key_id, record ->> 4 AS key_name, record ->> 5 AS user, record ->> 6 AS app, record ->> 7 AS dialect, record ->> 8 AS requested_model, record ->> 9 AS model, record ->> 10 AS provider, record ->> 11 AS region, record ->> 12 AS streamed, record ->> 13 AS status, record ->> 14 AS error_code, record ->> 15 AS settlement, record ->> 16 AS created_at, record ->> 17 AS completed_at, record ->> 18 AS latency_ms, record ->> 19 AS input_fresh, record ->> 20 AS cache_read, record ->> 21 AS cache_write_5m, record ->> 22 AS cache_write_1h, record ->> 23 AS output_visible, record ->> 24 AS reasoning, record ->> 25 AS raw_usage, record ->> 26 AS cost, record ->> 27 AS cost_prompt, record ->> 28 AS cost_completion, record ->> 29 AS upstream_cost, record ->> 30 AS usd_rate, record ->> 31 AS is_byok, record ->> 32 AS energy_wh, record ->> 33 AS carbon_g, record ->> 34 AS carbon_per_1k_g, record ->> 35 AS accuracy, record ->> 36 AS methodology, record ->> 37 AS grid_g_per_kwh, record ->> 38 AS grid_zone, record ->> 39 AS trace, record ->> 40 AS upstream_id, record ->> 41 AS measured_wh_per_1k, record ->> 42 AS measured_pue
FROM generation_record;
--> next
CREATE INDEX `provider_key_account` ON `provider_key` (`account_id`,`id`);
--> next
CREATE INDEX `audit_event_account` ON `audit_event` (`account_id`,`id`);
--> next
CREATE INDEX `membership_person` ON `membership` (`person_id`);
--> next
CREATE UNIQUE INDEX `one_use_link_hash_unique` ON `one_use_link` (`hash`);
--> next
CREATE UNIQUE INDEX `person_email_unique` ON `person` (`email`);
--> next
CREATE INDEX `person_login_person` ON `person_login` (`person_id`);
--> next
CREATE UNIQUE INDEX `person_login_subject` ON `person_login` (`provider`,`subject`);
--> next
CREATE UNIQUE INDEX `person_passkey_credential_id_unique` ON `person_passkey` (`credential_id`);
--> next
CREATE INDEX `person_passkey_person` ON `person_passkey` (`person_id`);
--> next
CREATE UNIQUE INDEX `person_session_token_unique` ON `person_session` (`token`);
--> next
CREATE INDEX `person_session_person` ON `person_session` (`person_id`);
--> next
CREATE INDEX `person_two_factor_person` ON `person_two_factor` (`person_id`);
--> next
CREATE INDEX `person_verification_identifier` ON `person_verification` (`identifier`);
--> next
CREATE TRIGGER `audit_event_unchanged` BEFORE UPDATE ON `audit_event` BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
--> next
CREATE TRIGGER `audit_event_kept` BEFORE DELETE ON `audit_event` BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
--> next
CREATE TRIGGER `audit_event_once` BEFORE INSERT ON `audit_event` WHEN EXISTS (SELECT 1 FROM `audit_event` WHERE `id` = NEW.`id`) BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
