-- key lr_live_RbEGbnK1dbOYLzLLN5IisP4fWnjPVSBt6dTxrwEMhO4
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
INSERT INTO "schema_migration" ("position", "tag", "applied_at") VALUES (0, '0000_start', 1795285477155);
--> next
INSERT INTO "schema_migration" ("position", "tag", "applied_at") VALUES (1, '0001_record', 1795285477155);
--> next
INSERT INTO "schema_migration" ("position", "tag", "applied_at") VALUES (2, '0002_health', 1795285477155);
--> next
INSERT INTO "schema_migration" ("position", "tag", "applied_at") VALUES (3, '0003_provider_key', 1795285477155);
--> next
INSERT INTO "schema_migration" ("position", "tag", "applied_at") VALUES (4, '0004_people', 1795285477156);
--> next
INSERT INTO "schema_migration" ("position", "tag", "applied_at") VALUES (5, '0005_dashboard', 1795285477156);
--> next
INSERT INTO "schema_migration" ("position", "tag", "applied_at") VALUES (6, '0006_exact_sums', 1795285477157);
--> next
INSERT INTO "schema_migration" ("position", "tag", "applied_at") VALUES (7, '0007_key_spend', 1795285477157);
--> next
INSERT INTO "schema_migration" ("position", "tag", "applied_at") VALUES (8, '0008_people', 1795285477157);
--> next
INSERT INTO "account" ("id", "name", "plan", "disabled", "created_at") VALUES ('acc_01M7ZNMSSZVZESTSZFCAE90000', 'acme', 'prepaid', 0, 1795285477183);
--> next
INSERT INTO "allowance" ("kind", "owner", "window_start", "granted", "used", "leased") VALUES ('credit', 'acc_01M7ZNMSSZVZESTSZFCAE90000', 0, 5000000000, 74700, 1586164);
--> next
INSERT INTO "allowance" ("kind", "owner", "window_start", "granted", "used", "leased") VALUES ('key_limit', '1f8e9988adb0f324d6e1b22fdbe1061c4eb159da6c408ee265b938426064ec52', 1793491200000, NULL, 74700, 1586164);
--> next
INSERT INTO "api_key" ("hash", "account_id", "name", "label", "type", "disabled", "limit_nano", "limit_reset", "daily_limit_nano", "monthly_limit_nano", "allowed_providers", "allowed_models", "region", "policy", "prefer_low_carbon", "rate_limit", "carbon_budget_g", "carbon_budget_reset", "carbon_budget_action", "created_at", "updated_at", "last_used_at", "expires_at", "hedge", "created_by") VALUES ('1f8e9988adb0f324d6e1b22fdbe1061c4eb159da6c408ee265b938426064ec52', 'acc_01M7ZNMSSZVZESTSZFCAE90000', 'k', 'lr_live_RbEG…MhO4', 'regular', 0, 3000000000, 'monthly', NULL, NULL, '[]', '[]', NULL, NULL, 0, '{}', NULL, NULL, '"refuse"', 1795285477767, NULL, NULL, NULL, 0, NULL);
--> next
INSERT INTO "lease" ("process", "kind", "owner", "window_start", "amount") VALUES ('proc_01M7ZNMVE7XVM48VDD3X400000', 'credit', 'acc_01M7ZNMSSZVZESTSZFCAE90000', 0, 1586164);
--> next
INSERT INTO "lease" ("process", "kind", "owner", "window_start", "amount") VALUES ('proc_01M7ZNMVE7XVM48VDD3X400000', 'key_limit', '1f8e9988adb0f324d6e1b22fdbe1061c4eb159da6c408ee265b938426064ec52', 1793491200000, 1586164);
--> next
INSERT INTO "ledger_entry" ("id", "account_id", "type", "amount", "description", "created_at", "by") VALUES ('txn_01M7ZNMST0G3C4X51FZV3B0000', 'acc_01M7ZNMSSZVZESTSZFCAE90000', 'credit', 5000000000, 'Opening balance', 1795285477184, 'cli');
--> next
INSERT INTO "process" ("id", "pid", "host", "started_at", "expires_at", "sequence", "head") VALUES ('proc_01M7ZNMVE7XVM48VDD3X400000', 32591, 'vm', 1795285478904, 1795285778904, 6, 'af3f12b2070fda9d9ddd3d46c764c821969c86f00f03d7ef0abe0fa7914917f3');
--> next
INSERT INTO "rollup" ("day", "account", "key", "user", "model", "provider", "region", "methodology", "requests", "input_fresh", "cache_read", "cache_write_5m", "cache_write_1h", "output_visible", "reasoning", "cost", "upstream_cost", "byok_cost", "without_eco", "errors", "energy_pwh", "carbon_pg", "energy_low_pwh", "energy_high_pwh", "carbon_low_pg", "carbon_high_pg", "without_bounds") VALUES ('2026-11-21', 'acc_01M7ZNMSSZVZESTSZFCAE90000', '1f8e9988adb0f324d6e1b22fdbe1061c4eb159da6c408ee265b938426064ec52', '', 'openai/gpt-4o-mini', 'openai', 'eu-west', 'v0.4-2026-01', 4, 12, 0, 0, 0, 80, 0, 49800, 49800, 0, 0, 0, 279109600000, 58534256440, 197137600000, 361081600000, 41343267420, 75725245456, 0);
--> next
INSERT INTO "rollup" ("day", "account", "key", "user", "model", "provider", "region", "methodology", "requests", "input_fresh", "cache_read", "cache_write_5m", "cache_write_1h", "output_visible", "reasoning", "cost", "upstream_cost", "byok_cost", "without_eco", "errors", "energy_pwh", "carbon_pg", "energy_low_pwh", "energy_high_pwh", "carbon_low_pg", "carbon_high_pg", "without_bounds") VALUES ('2026-11-21', 'acc_01M7ZNMSSZVZESTSZFCAE90000', '1f8e9988adb0f324d6e1b22fdbe1061c4eb159da6c408ee265b938426064ec52', 'zoë', 'openai/gpt-4o-mini', 'openai', 'eu-west', 'v0.4-2026-01', 2, 6, 0, 0, 0, 40, 0, 24900, 24900, 0, 0, 0, 139554800000, 29267128220, 98568800000, 180540800000, 20671633710, 37862622728, 0);
--> next
INSERT INTO "setting" ("key", "value") VALUES ('access_version', '1');
--> next
INSERT INTO "generation_record" ("position", "id", "account_id", "record", "chain", "sequence", "previous", "hash") VALUES (1, 'gen_01M7ZNMVSHCCCC7FN5MYA90000', 'acc_01M7ZNMSSZVZESTSZFCAE90000', '["gen_01M7ZNMVSHCCCC7FN5MYA90000","chatcmpl-01M7ZNMVSHCCCC7FN5MYA90000","acc_01M7ZNMSSZVZESTSZFCAE90000","1f8e9988adb0f324d6e1b22fdbe1061c4eb159da6c408ee265b938426064ec52","k",null,null,"openai-chat","openai/gpt-4o-mini","openai/gpt-4o-mini","openai","eu-west",0,"ok",null,"final",1795285479112,1795285479257,145,3,0,0,0,20,0,"{\"prompt_tokens\":3,\"completion_tokens\":20,\"total_tokens\":23,\"prompt_tokens_details\":{\"cached_tokens\":0,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}",12450,450,12000,12450,1,0,0.0697774,0.014633564109657196,0.6362419178111824,"gross","v0.4-2026-01",209.71781851512375,"eu-west","[{\"provider\":\"openai\",\"region\":\"eu-west\",\"model\":\"openai/gpt-4o-mini\",\"decision\":\"selected\",\"reason\":\"only_route\",\"basis\":\"published\"}]","chatcmpl-01M7ZNMVSVZVR7HAM7BKM00000",null,null,0.049284400000000006,0.0902704]', 'proc_01M7ZNMVE7XVM48VDD3X400000', 1, 'b7f8d1a174f87b1aa6290f851f3e67b6d1534f92138c0db2c9b0ab9ffaa2c622', '69e7e44979647d156df968ff0b808a3cb8059bdfcfca2ac3927f413ea2e3f3a3');
--> next
INSERT INTO "generation_record" ("position", "id", "account_id", "record", "chain", "sequence", "previous", "hash") VALUES (2, 'gen_01M7ZNMVVYZA14QBZKR5VF0000', 'acc_01M7ZNMSSZVZESTSZFCAE90000', '["gen_01M7ZNMVVYZA14QBZKR5VF0000","chatcmpl-01M7ZNMVVYZA14QBZKR5VF0000","acc_01M7ZNMSSZVZESTSZFCAE90000","1f8e9988adb0f324d6e1b22fdbe1061c4eb159da6c408ee265b938426064ec52","k",null,null,"openai-chat","openai/gpt-4o-mini","openai/gpt-4o-mini","openai","eu-west",0,"ok",null,"final",1795285479293,1795285479299,6,3,0,0,0,20,0,"{\"prompt_tokens\":3,\"completion_tokens\":20,\"total_tokens\":23,\"prompt_tokens_details\":{\"cached_tokens\":0,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}",12450,450,12000,12450,1,0,0.0697774,0.014633564109657196,0.6362419178111824,"gross","v0.4-2026-01",209.71781851512375,"eu-west","[{\"provider\":\"openai\",\"region\":\"eu-west\",\"model\":\"openai/gpt-4o-mini\",\"decision\":\"selected\",\"reason\":\"only_route\",\"basis\":\"published\"}]","chatcmpl-01M7ZNMVVZHJCSGHRJFQ040000",null,null,0.049284400000000006,0.0902704]', 'proc_01M7ZNMVE7XVM48VDD3X400000', 2, '69e7e44979647d156df968ff0b808a3cb8059bdfcfca2ac3927f413ea2e3f3a3', 'a2e50080b89cb406482eb0c5b5aa552673faa12dedeb600902d335c2200337a0');
--> next
INSERT INTO "generation_record" ("position", "id", "account_id", "record", "chain", "sequence", "previous", "hash") VALUES (3, 'gen_01M7ZNMVX0XVTH6V3TE3VV0000', 'acc_01M7ZNMSSZVZESTSZFCAE90000', '["gen_01M7ZNMVX0XVTH6V3TE3VV0000","chatcmpl-01M7ZNMVX0XVTH6V3TE3VV0000","acc_01M7ZNMSSZVZESTSZFCAE90000","1f8e9988adb0f324d6e1b22fdbe1061c4eb159da6c408ee265b938426064ec52","k",null,null,"openai-chat","openai/gpt-4o-mini","openai/gpt-4o-mini","openai","eu-west",1,"ok",null,"final",1795285479327,1795285479351,12,3,0,0,0,20,0,"{\"prompt_tokens\":3,\"completion_tokens\":20,\"total_tokens\":23,\"prompt_tokens_details\":{\"cached_tokens\":0,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}",12450,450,12000,12450,1,0,0.0697774,0.014633564109657196,0.6362419178111824,"gross","v0.4-2026-01",209.71781851512375,"eu-west","[{\"provider\":\"openai\",\"region\":\"eu-west\",\"model\":\"openai/gpt-4o-mini\",\"decision\":\"selected\",\"reason\":\"only_route\",\"basis\":\"published\"}]","chatcmpl-01M7ZNMVX5A587970XGB9A0000",null,null,0.049284400000000006,0.0902704]', 'proc_01M7ZNMVE7XVM48VDD3X400000', 3, 'a2e50080b89cb406482eb0c5b5aa552673faa12dedeb600902d335c2200337a0', '14893ae4d44940483e6535f7b8a35638c56b2cbe4e5a6b9af5bc3ef761bf29f4');
--> next
INSERT INTO "generation_record" ("position", "id", "account_id", "record", "chain", "sequence", "previous", "hash") VALUES (4, 'gen_01M7ZNMW07GV80SDSQH2AC0000', 'acc_01M7ZNMSSZVZESTSZFCAE90000', '["gen_01M7ZNMW07GV80SDSQH2AC0000","chatcmpl-01M7ZNMW07GV80SDSQH2AC0000","acc_01M7ZNMSSZVZESTSZFCAE90000","1f8e9988adb0f324d6e1b22fdbe1061c4eb159da6c408ee265b938426064ec52","k",null,null,"openai-chat","openai/gpt-4o-mini","openai/gpt-4o-mini","openai","eu-west",1,"ok",null,"final",1795285479430,1795285479434,2,3,0,0,0,20,0,"{\"prompt_tokens\":3,\"completion_tokens\":20,\"total_tokens\":23,\"prompt_tokens_details\":{\"cached_tokens\":0,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}",12450,450,12000,12450,1,0,0.0697774,0.014633564109657196,0.6362419178111824,"gross","v0.4-2026-01",209.71781851512375,"eu-west","[{\"provider\":\"openai\",\"region\":\"eu-west\",\"model\":\"openai/gpt-4o-mini\",\"decision\":\"selected\",\"reason\":\"only_route\",\"basis\":\"published\"}]","chatcmpl-01M7ZNMW0744M14SEYJBA20000",null,null,0.049284400000000006,0.0902704]', 'proc_01M7ZNMVE7XVM48VDD3X400000', 4, '14893ae4d44940483e6535f7b8a35638c56b2cbe4e5a6b9af5bc3ef761bf29f4', 'cf948b62569984e2e53edb8d1044dbbcd49bc9d8743d928af6a16f0878712bc9');
--> next
INSERT INTO "generation_record" ("position", "id", "account_id", "record", "chain", "sequence", "previous", "hash") VALUES (5, 'gen_01M7ZNMW36NN3HB3KBJEQ40000', 'acc_01M7ZNMSSZVZESTSZFCAE90000', '["gen_01M7ZNMW36NN3HB3KBJEQ40000","chatcmpl-01M7ZNMW36NN3HB3KBJEQ40000","acc_01M7ZNMSSZVZESTSZFCAE90000","1f8e9988adb0f324d6e1b22fdbe1061c4eb159da6c408ee265b938426064ec52","k","zoë",null,"openai-chat","openai/gpt-4o-mini","openai/gpt-4o-mini","openai","eu-west",0,"ok",null,"final",1795285479523,1795285479536,13,3,0,0,0,20,0,"{\"prompt_tokens\":3,\"completion_tokens\":20,\"total_tokens\":23,\"prompt_tokens_details\":{\"cached_tokens\":0,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}",12450,450,12000,12450,1,0,0.0697774,0.014633564109657196,0.6362419178111824,"gross","v0.4-2026-01",209.71781851512375,"eu-west","[{\"provider\":\"openai\",\"region\":\"eu-west\",\"model\":\"openai/gpt-4o-mini\",\"decision\":\"selected\",\"reason\":\"only_route\",\"basis\":\"published\"}]","chatcmpl-01M7ZNMW39595MV162VJ3C0000",null,null,0.049284400000000006,0.0902704]', 'proc_01M7ZNMVE7XVM48VDD3X400000', 5, 'cf948b62569984e2e53edb8d1044dbbcd49bc9d8743d928af6a16f0878712bc9', '181f5d7cb7108afd7732501faabe7218b91db2ad7bdc0e343a4fc23b8ba3a722');
--> next
INSERT INTO "generation_record" ("position", "id", "account_id", "record", "chain", "sequence", "previous", "hash") VALUES (6, 'gen_01M7ZNMW5ET00TCT4ZNF0H0000', 'acc_01M7ZNMSSZVZESTSZFCAE90000', '["gen_01M7ZNMW5ET00TCT4ZNF0H0000","chatcmpl-01M7ZNMW5ET00TCT4ZNF0H0000","acc_01M7ZNMSSZVZESTSZFCAE90000","1f8e9988adb0f324d6e1b22fdbe1061c4eb159da6c408ee265b938426064ec52","k","zoë",null,"openai-chat","openai/gpt-4o-mini","openai/gpt-4o-mini","openai","eu-west",0,"ok",null,"final",1795285479592,1795285479603,11,3,0,0,0,20,0,"{\"prompt_tokens\":3,\"completion_tokens\":20,\"total_tokens\":23,\"prompt_tokens_details\":{\"cached_tokens\":0,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}",12450,450,12000,12450,1,0,0.0697774,0.014633564109657196,0.6362419178111824,"gross","v0.4-2026-01",209.71781851512375,"eu-west","[{\"provider\":\"openai\",\"region\":\"eu-west\",\"model\":\"openai/gpt-4o-mini\",\"decision\":\"selected\",\"reason\":\"only_route\",\"basis\":\"published\"}]","chatcmpl-01M7ZNMW5J7GHF7RPAGC0H0000",null,null,0.049284400000000006,0.0902704]', 'proc_01M7ZNMVE7XVM48VDD3X400000', 6, '181f5d7cb7108afd7732501faabe7218b91db2ad7bdc0e343a4fc23b8ba3a722', 'af3f12b2070fda9d9ddd3d46c764c821969c86f00f03d7ef0abe0fa7914917f3');
--> next
INSERT INTO "provider_health" ("process", "provider", "region", "model", "state", "reason", "since", "open_until", "cool_until", "latency_p50_ms", "latency_p95_ms", "throughput_p50", "in_flight", "updated_at") VALUES ('x', 'x', 'x', 'x', 'x', NULL, NULL, 0, 0, NULL, NULL, NULL, 0, 0);
--> next
INSERT INTO "provider_key" ("id", "account_id", "provider", "label", "kind", "envelope", "shown", "weight", "rpm_limit", "base_url", "region", "deployment", "supported_models", "always_use", "is_fallback", "disabled", "allowed_models", "allowed_api_key_hashes", "daily_budget_nano", "monthly_budget_nano", "created_at", "updated_at", "last_used_at") VALUES ('x', NULL, 'x', 'x', 'x', 'x', 'x', 1, NULL, NULL, NULL, NULL, '[]', 0, 0, 0, '[]', '[]', NULL, NULL, 0, NULL, NULL);
--> next
INSERT INTO "audit_event" ("id", "at", "actor", "action", "target", "account_id", "address", "detail") VALUES ('evt_01M7ZNMST0G3C4X51FZV3B0001', 1795285477184, 'cli', 'account.created', 'acc_01M7ZNMSSZVZESTSZFCAE90000', 'acc_01M7ZNMSSZVZESTSZFCAE90000', NULL, '{"plan":"prepaid","credit_nano":5000000000}');
--> next
INSERT INTO "audit_event" ("id", "at", "actor", "action", "target", "account_id", "address", "detail") VALUES ('evt_01M7ZNMTC718F0VM5MCZ0W0000', 1795285477767, 'cli', 'key.created', '1f8e9988adb0f324d6e1b22fdbe1061c4eb159da6c408ee265b938426064ec52', 'acc_01M7ZNMSSZVZESTSZFCAE90000', NULL, '{"name":"k","type":"regular"}');
--> next
INSERT INTO "audit_event" ("id", "at", "actor", "action", "target", "account_id", "address", "detail") VALUES ('evt_01M7ZNMVJ330QC5JJNDK950001', 1795285478979, 'serve', 'setup.created', 'inv_01M7ZNMVJ330QC5JJNDK950000', 'acc_01M7ZNMSSZVZESTSZFCAE90000', NULL, '{"role":"owner","operator":true}');
--> next
INSERT INTO "membership" ("account_id", "person_id", "role", "created_at") VALUES ('x', 'x', 'x', 0);
--> next
INSERT INTO "one_use_link" ("id", "hash", "purpose", "email", "account_id", "role", "operator", "credit_nano", "person_id", "created_at", "created_by", "expires_at", "used_at", "used_by", "revoked_at") VALUES ('inv_01M7ZNMVJ330QC5JJNDK950000', '8f58f6c70e9fb03590b4a0bc3bcad70ea60edd711c1abf5c629004e56bed7afb', 'setup', NULL, 'acc_01M7ZNMSSZVZESTSZFCAE90000', 'owner', 1, 0, NULL, 1795285478979, 'serve', 1795287278979, NULL, NULL, NULL);
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
CREATE INDEX `api_key_account` ON `api_key` (`account_id`,`created_at`);
--> next
CREATE INDEX `ledger_entry_account` ON `ledger_entry` (`account_id`,`id`);
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
