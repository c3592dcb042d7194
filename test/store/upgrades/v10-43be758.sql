-- key lr_live_63GME6m8YGPQjBrDHTEsUTAo06G80VuqVIjUFNRdlNJ
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
, `hedge` integer DEFAULT false NOT NULL, `created_by` text);
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
	`without_eco` integer NOT NULL,
	`errors` integer NOT NULL, `energy_pwh` integer DEFAULT 0 NOT NULL, `carbon_pg` integer DEFAULT 0 NOT NULL, `energy_low_pwh` integer DEFAULT 0 NOT NULL, `energy_high_pwh` integer DEFAULT 0 NOT NULL, `carbon_low_pg` integer DEFAULT 0 NOT NULL, `carbon_high_pg` integer DEFAULT 0 NOT NULL, `without_bounds` integer DEFAULT 0 NOT NULL,
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
, `chosen_account_id` text);
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
--> next
CREATE TABLE `notice` (
	`kind` text NOT NULL,
	`owner` text NOT NULL,
	`window_start` integer NOT NULL,
	`at` integer NOT NULL,
	PRIMARY KEY(`kind`, `owner`, `window_start`)
);
--> next
CREATE TABLE `payment_event` (
	`id` text PRIMARY KEY NOT NULL,
	`type` text NOT NULL,
	`at` integer NOT NULL,
	`payment_id` text,
	`dispute_id` text,
	`amount_minor` integer,
	`currency` text
, `refund_id` text, `told_at` integer);
--> next
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
--> next
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
--> next
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
--> next
CREATE TABLE `deleted_key` (
	`hash` text PRIMARY KEY NOT NULL,
	`account_id` text NOT NULL,
	`name` text NOT NULL,
	`created_by` text,
	`deleted_at` integer NOT NULL
);
--> next
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
--> next
CREATE TABLE `removed_usage` (
	`account_id` text PRIMARY KEY NOT NULL,
	`cost` integer NOT NULL,
	`requests` integer NOT NULL,
	`last_id` text NOT NULL,
	`last_at` integer NOT NULL
);
--> next
INSERT INTO "schema_migration" ("position", "tag", "applied_at") VALUES (0, '0000_start', 1795296922275);
--> next
INSERT INTO "schema_migration" ("position", "tag", "applied_at") VALUES (1, '0001_record', 1795296922275);
--> next
INSERT INTO "schema_migration" ("position", "tag", "applied_at") VALUES (2, '0002_health', 1795296922275);
--> next
INSERT INTO "schema_migration" ("position", "tag", "applied_at") VALUES (3, '0003_provider_key', 1795296922275);
--> next
INSERT INTO "schema_migration" ("position", "tag", "applied_at") VALUES (4, '0004_people', 1795296922314);
--> next
INSERT INTO "schema_migration" ("position", "tag", "applied_at") VALUES (5, '0005_dashboard', 1795296922314);
--> next
INSERT INTO "schema_migration" ("position", "tag", "applied_at") VALUES (6, '0006_exact_sums', 1795296922314);
--> next
INSERT INTO "schema_migration" ("position", "tag", "applied_at") VALUES (7, '0007_key_spend', 1795296922314);
--> next
INSERT INTO "schema_migration" ("position", "tag", "applied_at") VALUES (8, '0008_people', 1795296922314);
--> next
INSERT INTO "schema_migration" ("position", "tag", "applied_at") VALUES (9, '0009_retention', 1795296922314);
--> next
INSERT INTO "account" ("id", "name", "plan", "disabled", "created_at") VALUES ('acc_01M800J2TY7GGF8C6HD8SQ0000', 'acme', 'prepaid', 0, 1795296922462);
--> next
INSERT INTO "allowance" ("kind", "owner", "window_start", "granted", "used", "leased") VALUES ('credit', 'acc_01M800J2TY7GGF8C6HD8SQ0000', 0, 5000000000, 112050, 1720564);
--> next
INSERT INTO "allowance" ("kind", "owner", "window_start", "granted", "used", "leased") VALUES ('key_limit', 'f71cbf7b16f712216095de1f3fb868a566176884ac420324eeca9d2a0f92dcba', 1793491200000, NULL, 112050, 1720564);
--> next
INSERT INTO "api_key" ("hash", "account_id", "name", "label", "type", "disabled", "limit_nano", "limit_reset", "daily_limit_nano", "monthly_limit_nano", "allowed_providers", "allowed_models", "region", "policy", "prefer_low_carbon", "rate_limit", "carbon_budget_g", "carbon_budget_reset", "carbon_budget_action", "created_at", "updated_at", "last_used_at", "expires_at", "hedge", "created_by") VALUES ('f71cbf7b16f712216095de1f3fb868a566176884ac420324eeca9d2a0f92dcba', 'acc_01M800J2TY7GGF8C6HD8SQ0000', 'k0', 'lr_live_63GM…dlNJ', 'regular', 0, 5000000000, 'monthly', NULL, NULL, '[]', '[]', NULL, NULL, 0, '{}', NULL, NULL, '"refuse"', 1795296923289, NULL, NULL, NULL, 0, NULL);
--> next
INSERT INTO "lease" ("process", "kind", "owner", "window_start", "amount") VALUES ('proc_01M800JAHZ9FTV84VGH9XJ0000', 'credit', 'acc_01M800J2TY7GGF8C6HD8SQ0000', 0, 1720564);
--> next
INSERT INTO "lease" ("process", "kind", "owner", "window_start", "amount") VALUES ('proc_01M800JAHZ9FTV84VGH9XJ0000', 'key_limit', 'f71cbf7b16f712216095de1f3fb868a566176884ac420324eeca9d2a0f92dcba', 1793491200000, 1720564);
--> next
INSERT INTO "ledger_entry" ("id", "account_id", "type", "amount", "description", "created_at", "by") VALUES ('txn_01M800J2TY7GGF8C6HD8SQ0001', 'acc_01M800J2TY7GGF8C6HD8SQ0000', 'credit', 5000000000, 'Opening balance', 1795296922462, 'cli');
--> next
INSERT INTO "process" ("id", "pid", "host", "started_at", "expires_at", "sequence", "head") VALUES ('proc_01M800J6QNRMET4KDPB2D40000', 23649, 'vm', 1795296926797, 1795297226797, 3, '2e3120e711f2152b3ad334c3fdfaa2eda40d9eace2d3219d98e3b879ff1d10ab');
--> next
INSERT INTO "process" ("id", "pid", "host", "started_at", "expires_at", "sequence", "head") VALUES ('proc_01M800JAHZ9FTV84VGH9XJ0000', 23773, 'vm', 1795296930906, 1795297230906, 6, 'deeea153d15290941ee977e41544483c1a5673417b417d8e1d8738d405e33253');
--> next
INSERT INTO "rollup" ("day", "account", "key", "user", "model", "provider", "region", "methodology", "requests", "input_fresh", "cache_read", "cache_write_5m", "cache_write_1h", "output_visible", "reasoning", "cost", "upstream_cost", "byok_cost", "without_eco", "errors", "energy_pwh", "carbon_pg", "energy_low_pwh", "energy_high_pwh", "carbon_low_pg", "carbon_high_pg", "without_bounds") VALUES ('2026-11-21', 'acc_01M800J2TY7GGF8C6HD8SQ0000', 'f71cbf7b16f712216095de1f3fb868a566176884ac420324eeca9d2a0f92dcba', '', 'openai/gpt-4o-mini', 'openai', 'eu-west', 'v0.4-2026-01', 9, 27, 0, 0, 0, 180, 0, 112050, 112050, 0, 0, 0, 627996600000, 131702076990, 443559600000, 812433600000, 93022351695, 170381802276, 0);
--> next
INSERT INTO "setting" ("key", "value") VALUES ('access_version', '1');
--> next
INSERT INTO "setting" ("key", "value") VALUES ('signing_key', 'v1.6ecc3242.Tk95Jca-rS80hIJmS0I80f8zylc6Zt8Gb3KK8K-q_QlMbeXfO1rtdgH3wJ3poH_r2bxA3yqtpnDdQXjGP2yEWANxBoclaaTQqi_JsnBmPVcoz20mi8-ADNPwG5dPA1uQCa6jjX5wQNbFkWezosdWb-FaUOXxJc-4S_FKsgzPRGFZ');
--> next
INSERT INTO "setting" ("key", "value") VALUES ('signing_keys', '[{"id":"0ee1aec845f59f3c","publicKey":"_uwpkwBsDjmK9bHg8id2qddWmlwpmoihu8TA6bvhsoQ","createdAt":1798752928107}]');
--> next
INSERT INTO "setting" ("key", "value") VALUES ('retention_noted', '1');
--> next
INSERT INTO "setting" ("key", "value") VALUES ('ledger_heads', '{"lines":2,"last":"bd554f2bae9134e8b38fe83ade82163ada86a5a341f6eac6e58494577e3b1e71"}');
--> next
INSERT INTO "generation_record" ("position", "id", "account_id", "record", "chain", "sequence", "previous", "hash") VALUES (1, 'gen_01M800JC966JKPFQP9A5SF0000', 'acc_01M800J2TY7GGF8C6HD8SQ0000', '["gen_01M800JC966JKPFQP9A5SF0000","chatcmpl-01M800JC966JKPFQP9A5SF0000","acc_01M800J2TY7GGF8C6HD8SQ0000","f71cbf7b16f712216095de1f3fb868a566176884ac420324eeca9d2a0f92dcba","k0",null,null,"openai-chat","openai/gpt-4o-mini","openai/gpt-4o-mini","openai","eu-west",1,"ok",null,"final",1795296932102,1795296932255,102,3,0,0,0,20,0,"{\"prompt_tokens\":3,\"completion_tokens\":20,\"total_tokens\":23,\"prompt_tokens_details\":{\"cached_tokens\":0,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}",12450,450,12000,12450,1,0,0.0697774,0.014633564109657196,0.6362419178111824,"gross","v0.4-2026-01",209.71781851512375,"eu-west","[{\"provider\":\"openai\",\"region\":\"eu-west\",\"model\":\"openai/gpt-4o-mini\",\"decision\":\"selected\",\"reason\":\"only_route\",\"basis\":\"published\"}]","chatcmpl-01M800JCBA5R9MY9HHKB190000",null,null,0.049284400000000006,0.0902704]', 'proc_01M800JAHZ9FTV84VGH9XJ0000', 1, '539d604dada513add272d87a6ddab6c25e41d2be746efeed0f5b9c5810b057be', 'b144f04f199be5fff8949398a54c2b5a42bf6d8378f8386d31c7cfcc7d56542b');
--> next
INSERT INTO "generation_record" ("position", "id", "account_id", "record", "chain", "sequence", "previous", "hash") VALUES (2, 'gen_01M800JCD5GZ5CD2D958N00000', 'acc_01M800J2TY7GGF8C6HD8SQ0000', '["gen_01M800JCD5GZ5CD2D958N00000","chatcmpl-01M800JCD5GZ5CD2D958N00000","acc_01M800J2TY7GGF8C6HD8SQ0000","f71cbf7b16f712216095de1f3fb868a566176884ac420324eeca9d2a0f92dcba","k0",null,null,"openai-chat","openai/gpt-4o-mini","openai/gpt-4o-mini","openai","eu-west",1,"ok",null,"final",1795296932260,1795296932266,3,3,0,0,0,20,0,"{\"prompt_tokens\":3,\"completion_tokens\":20,\"total_tokens\":23,\"prompt_tokens_details\":{\"cached_tokens\":0,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}",12450,450,12000,12450,1,0,0.0697774,0.014633564109657196,0.6362419178111824,"gross","v0.4-2026-01",209.71781851512375,"eu-west","[{\"provider\":\"openai\",\"region\":\"eu-west\",\"model\":\"openai/gpt-4o-mini\",\"decision\":\"selected\",\"reason\":\"only_route\",\"basis\":\"published\"}]","chatcmpl-01M800JCD6E50KQNMJZSFW0000",null,null,0.049284400000000006,0.0902704]', 'proc_01M800JAHZ9FTV84VGH9XJ0000', 2, 'b144f04f199be5fff8949398a54c2b5a42bf6d8378f8386d31c7cfcc7d56542b', '0d37ca3c554090413ed600f7fd007ed951f90065bb6e00e12789e6f239342afb');
--> next
INSERT INTO "generation_record" ("position", "id", "account_id", "record", "chain", "sequence", "previous", "hash") VALUES (3, 'gen_01M800JCDC484C5A9JXAD40000', 'acc_01M800J2TY7GGF8C6HD8SQ0000', '["gen_01M800JCDC484C5A9JXAD40000","chatcmpl-01M800JCDC484C5A9JXAD40000","acc_01M800J2TY7GGF8C6HD8SQ0000","f71cbf7b16f712216095de1f3fb868a566176884ac420324eeca9d2a0f92dcba","k0",null,null,"openai-chat","openai/gpt-4o-mini","openai/gpt-4o-mini","openai","eu-west",1,"ok",null,"final",1795296932267,1795296932272,2,3,0,0,0,20,0,"{\"prompt_tokens\":3,\"completion_tokens\":20,\"total_tokens\":23,\"prompt_tokens_details\":{\"cached_tokens\":0,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}",12450,450,12000,12450,1,0,0.0697774,0.014633564109657196,0.6362419178111824,"gross","v0.4-2026-01",209.71781851512375,"eu-west","[{\"provider\":\"openai\",\"region\":\"eu-west\",\"model\":\"openai/gpt-4o-mini\",\"decision\":\"selected\",\"reason\":\"only_route\",\"basis\":\"published\"}]","chatcmpl-01M800JCDC5TXAVTDW588W0000",null,null,0.049284400000000006,0.0902704]', 'proc_01M800JAHZ9FTV84VGH9XJ0000', 3, '0d37ca3c554090413ed600f7fd007ed951f90065bb6e00e12789e6f239342afb', '229a9c6601927d8aebb55fba25b42f87f72b88401ad64e31dc7ff94b959a5f32');
--> next
INSERT INTO "generation_record" ("position", "id", "account_id", "record", "chain", "sequence", "previous", "hash") VALUES (4, 'gen_01M800JCDK2CFWTKP7HGDA0000', 'acc_01M800J2TY7GGF8C6HD8SQ0000', '["gen_01M800JCDK2CFWTKP7HGDA0000","chatcmpl-01M800JCDK2CFWTKP7HGDA0000","acc_01M800J2TY7GGF8C6HD8SQ0000","f71cbf7b16f712216095de1f3fb868a566176884ac420324eeca9d2a0f92dcba","k0",null,null,"openai-chat","openai/gpt-4o-mini","openai/gpt-4o-mini","openai","eu-west",1,"ok",null,"final",1795296932274,1795296932278,3,3,0,0,0,20,0,"{\"prompt_tokens\":3,\"completion_tokens\":20,\"total_tokens\":23,\"prompt_tokens_details\":{\"cached_tokens\":0,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}",12450,450,12000,12450,1,0,0.0697774,0.014633564109657196,0.6362419178111824,"gross","v0.4-2026-01",209.71781851512375,"eu-west","[{\"provider\":\"openai\",\"region\":\"eu-west\",\"model\":\"openai/gpt-4o-mini\",\"decision\":\"selected\",\"reason\":\"only_route\",\"basis\":\"published\"}]","chatcmpl-01M800JCDMXZNF0731HACR0000",null,null,0.049284400000000006,0.0902704]', 'proc_01M800JAHZ9FTV84VGH9XJ0000', 4, '229a9c6601927d8aebb55fba25b42f87f72b88401ad64e31dc7ff94b959a5f32', 'd0500e6e73a978c42b2135861bba25db494e592ae77535103ad04c77131d3101');
--> next
INSERT INTO "generation_record" ("position", "id", "account_id", "record", "chain", "sequence", "previous", "hash") VALUES (5, 'gen_01M800JCDRHKR4EJJ40Z830000', 'acc_01M800J2TY7GGF8C6HD8SQ0000', '["gen_01M800JCDRHKR4EJJ40Z830000","chatcmpl-01M800JCDRHKR4EJJ40Z830000","acc_01M800J2TY7GGF8C6HD8SQ0000","f71cbf7b16f712216095de1f3fb868a566176884ac420324eeca9d2a0f92dcba","k0",null,null,"openai-chat","openai/gpt-4o-mini","openai/gpt-4o-mini","openai","eu-west",1,"ok",null,"final",1795296932279,1795296932281,1,3,0,0,0,20,0,"{\"prompt_tokens\":3,\"completion_tokens\":20,\"total_tokens\":23,\"prompt_tokens_details\":{\"cached_tokens\":0,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}",12450,450,12000,12450,1,0,0.0697774,0.014633564109657196,0.6362419178111824,"gross","v0.4-2026-01",209.71781851512375,"eu-west","[{\"provider\":\"openai\",\"region\":\"eu-west\",\"model\":\"openai/gpt-4o-mini\",\"decision\":\"selected\",\"reason\":\"only_route\",\"basis\":\"published\"}]","chatcmpl-01M800JCDRX1471CKV4K160000",null,null,0.049284400000000006,0.0902704]', 'proc_01M800JAHZ9FTV84VGH9XJ0000', 5, 'd0500e6e73a978c42b2135861bba25db494e592ae77535103ad04c77131d3101', 'd1b0ab438d28080871966f6c7a22910fdd75b8351055deca5e61ce25c9632cfe');
--> next
INSERT INTO "generation_record" ("position", "id", "account_id", "record", "chain", "sequence", "previous", "hash") VALUES (6, 'gen_01M800JCDVZA0CN0S3FN3Q0000', 'acc_01M800J2TY7GGF8C6HD8SQ0000', '["gen_01M800JCDVZA0CN0S3FN3Q0000","chatcmpl-01M800JCDVZA0CN0S3FN3Q0000","acc_01M800J2TY7GGF8C6HD8SQ0000","f71cbf7b16f712216095de1f3fb868a566176884ac420324eeca9d2a0f92dcba","k0",null,null,"openai-chat","openai/gpt-4o-mini","openai/gpt-4o-mini","openai","eu-west",1,"ok",null,"final",1795296932282,1795296932286,1,3,0,0,0,20,0,"{\"prompt_tokens\":3,\"completion_tokens\":20,\"total_tokens\":23,\"prompt_tokens_details\":{\"cached_tokens\":0,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}",12450,450,12000,12450,1,0,0.0697774,0.014633564109657196,0.6362419178111824,"gross","v0.4-2026-01",209.71781851512375,"eu-west","[{\"provider\":\"openai\",\"region\":\"eu-west\",\"model\":\"openai/gpt-4o-mini\",\"decision\":\"selected\",\"reason\":\"only_route\",\"basis\":\"published\"}]","chatcmpl-01M800JCDV1HBG2KPDA62C0000",null,null,0.049284400000000006,0.0902704]', 'proc_01M800JAHZ9FTV84VGH9XJ0000', 6, 'd1b0ab438d28080871966f6c7a22910fdd75b8351055deca5e61ce25c9632cfe', 'deeea153d15290941ee977e41544483c1a5673417b417d8e1d8738d405e33253');
--> next
INSERT INTO "provider_health" ("process", "provider", "region", "model", "state", "reason", "since", "open_until", "cool_until", "latency_p50_ms", "latency_p95_ms", "throughput_p50", "in_flight", "updated_at") VALUES ('x', 'x', 'x', 'x', 'x', NULL, NULL, 0, 0, NULL, NULL, NULL, 0, 0);
--> next
INSERT INTO "provider_key" ("id", "account_id", "provider", "label", "kind", "envelope", "shown", "weight", "rpm_limit", "base_url", "region", "deployment", "supported_models", "always_use", "is_fallback", "disabled", "allowed_models", "allowed_api_key_hashes", "daily_budget_nano", "monthly_budget_nano", "created_at", "updated_at", "last_used_at") VALUES ('x', NULL, 'x', 'x', 'x', 'x', 'x', 1, NULL, NULL, NULL, NULL, '[]', 0, 0, 0, '[]', '[]', NULL, NULL, 0, NULL, NULL);
--> next
INSERT INTO "audit_event" ("id", "at", "actor", "action", "target", "account_id", "address", "detail") VALUES ('evt_01M800J2TY7GGF8C6HD8SQ0002', 1795296922462, 'cli', 'account.created', 'acc_01M800J2TY7GGF8C6HD8SQ0000', 'acc_01M800J2TY7GGF8C6HD8SQ0000', NULL, '{"plan":"prepaid","credit_nano":5000000000}');
--> next
INSERT INTO "audit_event" ("id", "at", "actor", "action", "target", "account_id", "address", "detail") VALUES ('evt_01M800J3MS8ZFR2Y764VD50000', 1795296923289, 'cli', 'key.created', 'f71cbf7b16f712216095de1f3fb868a566176884ac420324eeca9d2a0f92dcba', 'acc_01M800J2TY7GGF8C6HD8SQ0000', NULL, '{"name":"k0","type":"regular"}');
--> next
INSERT INTO "audit_event" ("id", "at", "actor", "action", "target", "account_id", "address", "detail") VALUES ('evt_01M800J7N8Q7C4QC56YS3H0001', 1795296927400, 'serve', 'setup.created', 'inv_01M800J7N8Q7C4QC56YS3H0000', 'acc_01M800J2TY7GGF8C6HD8SQ0000', NULL, '{"role":"owner","operator":true}');
--> next
INSERT INTO "audit_event" ("id", "at", "actor", "action", "target", "account_id", "address", "detail") VALUES ('evt_01M800JC1286VG0D782GA30001', 1795296931874, 'serve', 'setup.created', 'inv_01M800JC1286VG0D782GA30000', 'acc_01M800J2TY7GGF8C6HD8SQ0000', NULL, '{"role":"owner","operator":true}');
--> next
INSERT INTO "membership" ("account_id", "person_id", "role", "created_at") VALUES ('x', 'x', 'x', 0);
--> next
INSERT INTO "one_use_link" ("id", "hash", "purpose", "email", "account_id", "role", "operator", "credit_nano", "person_id", "created_at", "created_by", "expires_at", "used_at", "used_by", "revoked_at") VALUES ('inv_01M800J7N8Q7C4QC56YS3H0000', 'b62cbbfa4c6ebe315ccf5f60a8d509df8afd5d9bb1a28d7a3c4f6c7b83ba7571', 'setup', NULL, 'acc_01M800J2TY7GGF8C6HD8SQ0000', 'owner', 1, 0, NULL, 1795296927400, 'serve', 1795298727400, NULL, NULL, 1795296931874);
--> next
INSERT INTO "one_use_link" ("id", "hash", "purpose", "email", "account_id", "role", "operator", "credit_nano", "person_id", "created_at", "created_by", "expires_at", "used_at", "used_by", "revoked_at") VALUES ('inv_01M800JC1286VG0D782GA30000', '0b49af344100b972f437fe48622fce59da4749375c76c35fdf5d98382626fb34', 'setup', NULL, 'acc_01M800J2TY7GGF8C6HD8SQ0000', 'owner', 1, 0, NULL, 1795296931874, 'serve', 1795298731874, NULL, NULL, NULL);
--> next
INSERT INTO "person" ("id", "name", "email", "email_verified", "image", "created_at", "updated_at", "two_factor_enabled", "operator", "disabled", "account_id", "chosen_account_id") VALUES ('x', 'x', 'x', 0, NULL, 0, 0, 0, 0, 0, 'x', NULL);
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
INSERT INTO "mail" ("id", "to_address", "subject", "text", "state", "attempts", "next_at", "reason", "created_at") VALUES ('x', 'x', 'x', 'x', 'x', 0, 0, NULL, 0);
--> next
INSERT INTO "notice" ("kind", "owner", "window_start", "at") VALUES ('x', 'x', 0, 0);
--> next
INSERT INTO "payment_event" ("id", "type", "at", "payment_id", "dispute_id", "amount_minor", "currency", "refund_id", "told_at") VALUES ('x', 'x', 0, NULL, NULL, NULL, NULL, NULL, NULL);
--> next
INSERT INTO "purchase" ("id", "account_id", "person_id", "amount_nano", "price_minor", "currency", "session_id", "payment_id", "state", "returned_nano", "created_at", "updated_at") VALUES ('x', 'x', NULL, 0, 0, 'x', NULL, NULL, 'x', 0, 0, NULL);
--> next
INSERT INTO "webhook" ("id", "account_id", "name", "url", "envelope", "event_types", "api_key_hashes", "disabled", "failures", "next_at", "created_at", "updated_at") VALUES ('x', NULL, 'x', 'x', 'x', '[]', '[]', 0, 0, 0, 0, NULL);
--> next
INSERT INTO "webhook_delivery" ("id", "webhook_id", "event_id", "type", "payload", "state", "attempts", "next_at", "tries", "created_at", "delivered_at") VALUES ('x', 'x', 'x', 'x', 'x', 'x', 0, 0, '[]', 0, NULL);
--> next
INSERT INTO "deleted_key" ("hash", "account_id", "name", "created_by", "deleted_at") VALUES ('x', 'x', 'x', NULL, 0);
--> next
INSERT INTO "removal" ("position", "chain", "first", "last", "hash", "until", "record", "signature") VALUES (1, 'proc_01M800J6QNRMET4KDPB2D40000', 1, 3, '2e3120e711f2152b3ad334c3fdfaa2eda40d9eace2d3219d98e3b879ff1d10ab', 1795296927973, '{"removal":1,"time":"2026-12-31T21:35:28.107Z","chain":"proc_01M800J6QNRMET4KDPB2D40000","first":1,"last":3,"previous":"12ae735713300b65e962e36cbf9fa116d691e9de243028c1eb4e098494413768","hash":"2e3120e711f2152b3ad334c3fdfaa2eda40d9eace2d3219d98e3b879ff1d10ab","until":1795296927973,"sums":[[["2026-11-21","acc_01M800J2TY7GGF8C6HD8SQ0000","f71cbf7b16f712216095de1f3fb868a566176884ac420324eeca9d2a0f92dcba","","openai/gpt-4o-mini","openai","eu-west","v0.4-2026-01"],0,"3 9 0 0 0 60 0 37350 37350 0 0 0 209332200000 43900692330 147853200000 270811200000 31007450565 56793934092 0"]],"key":"0ee1aec845f59f3c"}', '59xWtb6zX4igTLCJF2I8yX-Tjp7MZ4sLd4fLBf_HcsdynUkZgONnAIUW92tidXOlqW7qtvOzBCI0lN1VQmw_CA');
--> next
INSERT INTO "removed_usage" ("account_id", "cost", "requests", "last_id", "last_at") VALUES ('acc_01M800J2TY7GGF8C6HD8SQ0000', 37350, 3, 'gen_01M800J8793AZ29QB7273F0000', 1795296927973);
--> next
CREATE INDEX `api_key_account` ON `api_key` (`account_id`,`created_at`);
--> next
CREATE INDEX `ledger_entry_account` ON `ledger_entry` (`account_id`,`id`);
--> next
CREATE UNIQUE INDEX `generation_id` ON `generation_record` (`id`);
--> next
CREATE INDEX `generation_account` ON `generation_record` (`account_id`,`id`);
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
--> next
CREATE INDEX `mail_due` ON `mail` (`state`,`next_at`);
--> next
CREATE INDEX `payment_event_payment` ON `payment_event` (`payment_id`);
--> next
CREATE UNIQUE INDEX `purchase_session_id_unique` ON `purchase` (`session_id`);
--> next
CREATE INDEX `purchase_account` ON `purchase` (`account_id`,`id`);
--> next
CREATE INDEX `purchase_payment` ON `purchase` (`payment_id`);
--> next
CREATE INDEX `webhook_account` ON `webhook` (`account_id`,`id`);
--> next
CREATE INDEX `webhook_delivery_due` ON `webhook_delivery` (`webhook_id`,`state`,`next_at`);
--> next
CREATE INDEX `webhook_delivery_webhook` ON `webhook_delivery` (`webhook_id`,`id`);
--> next
CREATE VIEW `generation` AS SELECT position, id, account_id, record, chain, sequence, previous, hash, record ->> 1 AS completion_id, record ->> 3 AS key_id, record ->> 4 AS key_name, record ->> 5 AS user, record ->> 6 AS app, record ->> 7 AS dialect, record ->> 8 AS requested_model, record ->> 9 AS model, record ->> 10 AS provider, record ->> 11 AS region, record ->> 12 AS streamed, record ->> 13 AS status, record ->> 14 AS error_code, record ->> 15 AS settlement, record ->> 16 AS created_at, record ->> 17 AS completed_at, record ->> 18 AS latency_ms, record ->> 19 AS input_fresh, record ->> 20 AS cache_read, record ->> 21 AS cache_write_5m, record ->> 22 AS cache_write_1h, record ->> 23 AS output_visible, record ->> 24 AS reasoning, record ->> 25 AS raw_usage, record ->> 26 AS cost, record ->> 27 AS cost_prompt, record ->> 28 AS cost_completion, record ->> 29 AS upstream_cost, record ->> 30 AS usd_rate, record ->> 31 AS is_byok, record ->> 32 AS energy_wh, record ->> 33 AS carbon_g, record ->> 34 AS carbon_per_1k_g, record ->> 35 AS accuracy, record ->> 36 AS methodology, record ->> 37 AS grid_g_per_kwh, record ->> 38 AS grid_zone, record ->> 39 AS trace, record ->> 40 AS upstream_id, record ->> 41 AS measured_wh_per_1k, record ->> 42 AS measured_pue, record ->> 43 AS energy_wh_low, record ->> 44 AS energy_wh_high
FROM generation_record;
--> next
CREATE INDEX `rollup_key` ON `rollup` (`key`,`day`,`cost`,`byok_cost`);
--> next
CREATE INDEX `deleted_key_account` ON `deleted_key` (`account_id`,`deleted_at`);
--> next
CREATE INDEX `deleted_key_maker` ON `deleted_key` (`created_by`);
--> next
CREATE UNIQUE INDEX `removal_chain` ON `removal` (`chain`,`first`);
--> next
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
