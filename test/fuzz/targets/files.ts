import { verifySignature, isVouchedFor } from "#src/account/signing-key.ts";
import { createCatalogue } from "#src/catalogue.ts";
import { ConfigError } from "#src/config/error.ts";
import { parseFile } from "#src/config/file.ts";
import { fromLitellm, type KnownCatalogue } from "#src/config/litellm.ts";
import { loadConfig } from "#src/config/load.ts";
import { toToml } from "#src/config/toml.ts";
import { GridTableError, readGridTable } from "#src/eco/grid-table.ts";
import { readHeads } from "#src/ledger/heads-log.ts";
import { systemClock } from "#src/lib/clock.ts";
import { readCsv } from "#src/lib/csv-read.ts";
import { profileOf } from "#src/provider/aws-credentials.ts";
import { documentType } from "#src/provider/document-type.ts";
import { liveSource, NoReading } from "#src/provider/live-grid-sources.ts";
import { readServiceAccount } from "#src/provider/google-token.ts";
import { verifyFile, VerifyError } from "#src/statement/verify.ts";
import { tables } from "#test/eco/sample.ts";
import { recorded, written } from "#test/fuzz/seeds.ts";
import { claim, kindOf, never, type Target } from "#test/fuzz/target.ts";

/*
 * Files: those of an operator, those of other gateways, and those that somebody says are ours.
 */

const decode = (input: Uint8Array) => new TextDecoder().decode(input);

const toml = `listen = "127.0.0.1:4000"
data_dir = 'x'
[billing]
usd_rate = 1.5e0
unknown_price = "block"
[routing]
policy = "prefer-cheapest"
aliases = { gpt = "openai/gpt-4o", "a.b" = "c" }
[routing.fallbacks]
"*" = ["a/b", "c/d"]
[providers.own]
protocol = "openai-chat"
base_url = "http://10.0.0.5:8000/v1"
api_key_env = "OWN_KEY"
# a comment
[[models]]
id = "own/llama"
name = """
Llama"""
endpoints = [{ provider = "own", upstream_model = "llama" }]
`;

const catalogue: KnownCatalogue = (() => {
  const { routes, services } = createCatalogue(loadConfig({ dataDir: "x" }, {}), systemClock);
  const providers = new Map(services.providers.map((provider) => [provider.id, provider]));
  return {
    modelId: (name) => routes.find(name)?.model.id,
    offers: (provider, id) =>
      routes.find(id)?.model.endpoints.some((endpoint) => endpoint.provider === provider) === true,
    keyNames: (id) => providers.get(id)?.env,
  };
})();

const grid = `zone,year,g_per_kwh,scope,basis,source,licence,url,note
FRA,2026,50,consumption,direct,"IEA, Factors",IEA terms,https://www.iea.org/data,
DE,2025,350.5,production,lifecycle,"IEA ""other""",CC BY 4.0,https://a.org,"two
lines"
`;

const yaml = `model_list:
  - model_name: gpt
    litellm_params: &p
      model: azure/gpt-4o
      api_base: https://x.openai.azure.com
      api_key: os.environ/AZURE_KEY
      rpm: 10
    model_info: {id: a, mode: chat, input_cost_per_token: 1e-6}
  - model_name: "*"
    litellm_params: {<<: *p, model: "openai/*", api_base: "http://10.0.0.5:8000/v1", tags: [a, b]}
litellm_settings: {num_retries: 3, request_timeout: 600, fallbacks: [{gpt: ["x"]}], drop_params: true}
router_settings:
  routing_strategy: usage-based-routing
  model_group_alias: {"gpt-4": "gpt", b: {model: gpt, hidden: true}}
general_settings: {master_key: sk-1}
`;

const liveQueries = (["uk-carbon-intensity", "rte-eco2mix", "electricity-maps"] as const).flatMap(
  (name) =>
    [["GBR", "GB"] as const, ["FRA", "FR"] as const].flatMap(
      ([zone, country]) => liveSource(name, "token").query(zone, country) ?? [],
    ),
);

export const fileTargets: readonly Target[] = [
  {
    name: "config-toml",
    shape: "lines",
    seeds: async () => written(toml),
    read(input) {
      const config = parseFile("a.toml", decode(input));
      const again = parseFile("again.toml", toToml(config));
      // An empty section says nothing, and is not written.
      claim(toToml(again) === toToml(config), "a configuration that is written is read as it was");
      return [kindOf(config, 3)];
    },
    refuses: (thrown) => thrown instanceof ConfigError,
  },
  {
    name: "litellm-yaml",
    shape: "lines",
    seeds: async () => [...(await recorded("litellm/*.yaml")), ...written(yaml)],
    read(input) {
      const { config, notes, environment, commands } = fromLitellm(
        parsedYaml(decode(input)),
        catalogue,
      );
      // What the command writes, it has to be able to read.
      try {
        parseFile("the imported configuration", toToml(config));
      } catch (thrown) {
        if (!(thrown instanceof ConfigError)) throw thrown;
        claim(false, `what is imported can be read: ${thrown.message}`);
      }
      const told = JSON.stringify({ config, notes, environment, commands });
      return [
        `${kindOf(config, 3)} ${notes.map((note) => note.replaceAll(/"[^"]*"|\d+/g, "")).join()}`.slice(
          0,
          600,
        ),
        told,
      ];
    },
    refuses: (thrown) =>
      thrown instanceof NoYaml ||
      (thrown instanceof TypeError &&
        ['no "model_list" was found in it', 'its "model_list" is no list'].includes(
          thrown.message,
        )),
  },
  {
    name: "csv",
    shape: "lines",
    seeds: async () => written(grid, '\ufeffa,b\r\n"x""y",z\r\n\r\n,\r\n'),
    read(input) {
      const lines = readCsv(decode(input));
      const text = lines
        .map(({ cells }) => cells.map((cell) => `"${cell.replaceAll('"', '""')}"`).join(","))
        .join("\n");
      const again = readCsv(text).map(({ cells }) => cells);
      claim(
        JSON.stringify(again) === JSON.stringify(lines.map(({ cells }) => cells)),
        "a table that is written is read as it was",
      );
      return [`${Math.min(20, lines.length)} ${Math.min(20, lines[0]?.cells.length ?? 0)}`, text];
    },
    refuses: (thrown) =>
      thrown instanceof SyntaxError && thrown.message.startsWith("the quote that"),
  },
  {
    name: "grid-csv",
    shape: "lines",
    seeds: async () => written(grid),
    read(input) {
      const table = readGridTable(decode(input), { tables, today: "2026-11-21" });
      for (const row of table.rows)
        claim(row.gPerKwh >= 0 && row.gPerKwh <= 2000, "grams are those of a grid");
      return [String(table.rows.length), JSON.stringify(table)];
    },
    refuses: (thrown) => thrown instanceof GridTableError && thrown.message.length <= 1000,
  },
  {
    name: "statement-file",
    shape: "json",
    seeds: async () =>
      written(
        {
          signature: {
            signed: "statement",
            key_id: "k",
            public_key: "A".repeat(43),
            sha256: "0".repeat(64),
            signature: "A".repeat(86),
          },
          statement: { version: 1 },
        },
        "%PDF-1.7\nx\n%%EOF\n",
        "<!doctype html><title>x</title>\n<!-- lowrouter-signature {} -->\n",
        "a,b\n",
      ),
    read: (input) => [
      verifyFile({ bytes: new Uint8Array(input), side: new Uint8Array(input), keys: [] }).kind,
    ],
    refuses: (thrown) => thrown instanceof VerifyError,
  },
  {
    name: "heads-log",
    shape: "json",
    seeds: async () =>
      written(
        `${JSON.stringify({ time: "2026-01-01T00:00:00Z", public_key: "A".repeat(43), previous: "0".repeat(64), key: "k", signature: "A".repeat(86) })}\n`,
        `${JSON.stringify({ time: "2026-01-01T00:00:00Z", chain: "c", sequence: 1, hash: "0".repeat(64), previous: "0".repeat(64), key: "k", signature: "A" })}\n`,
      ),
    read(input) {
      const verifier = {
        verify: (publicKey: string, text: string, signature: string) =>
          verifySignature(publicKey, "ledger-head", text, signature),
        isVouchedFor,
      };
      const log = readHeads(decode(input), verifier);
      return [log.faults.join().replaceAll(/\d+/g, "0").slice(0, 300), JSON.stringify(log)];
    },
    refuses: never,
  },
  {
    name: "aws-profile",
    shape: "lines",
    seeds: async () =>
      written(
        "[default]\naws_access_key_id = AKID # c\naws_secret_access_key=s\n[ other ]\n  x = y\n",
      ),
    read: (input) => {
      const told = JSON.stringify([...profileOf(decode(input), "default")]);
      return [String([...profileOf(decode(input), "default").keys()].length), told];
    },
    refuses: never,
  },
  {
    name: "google-account",
    shape: "json",
    seeds: async () =>
      written({
        type: "service_account",
        client_email: "a@b.iam.gserviceaccount.com",
        private_key: "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n",
        private_key_id: "k",
        project_id: "p",
        token_uri: "https://oauth2.googleapis.com/token",
      }),
    read: (input) => [readServiceAccount(decode(input), "key").email],
    refuses: (thrown) => thrown instanceof ConfigError,
  },
  {
    name: "live-grid",
    shape: "json",
    seeds: async () =>
      written(
        {
          data: [
            {
              from: "2026-01-01T00:00Z",
              to: "2026-01-01T00:30Z",
              intensity: { forecast: 100, actual: 90, index: "low" },
            },
          ],
        },
        { results: [{ date_heure: "2026-01-01T00:00:00+00:00", taux_co2: 30 }] },
        {
          zone: "FR",
          carbonIntensity: 30,
          datetime: "2026-01-01T00:00:00.000Z",
          isEstimated: true,
          emissionFactorType: "lifecycle",
          unit: "gCO2eq/kWh",
        },
      ),
    read(input) {
      let answer: unknown;
      try {
        answer = JSON.parse(decode(input));
      } catch {
        return ["no JSON"]; // Refused before any of the sources.
      }
      const told = [...liveQueries].map((query) => {
        try {
          const { gPerKwh, at } = query.read(answer);
          claim(
            Number.isFinite(gPerKwh) && gPerKwh >= 0 && Number.isFinite(at),
            "a reading is a number at a time",
          );
          return `${gPerKwh} ${at}`;
        } catch (thrown) {
          if (!(thrown instanceof NoReading)) throw thrown;
          return thrown.message;
        }
      });
      return [told.join().replaceAll(/\d+/g, "0").slice(0, 200), ...told];
    },
    refuses: never,
  },
  {
    name: "document-type",
    shape: "bytes",
    seeds: async () =>
      written("\x89PNG\r\n\x1a\n", "GIF89a", "RIFF0000WEBP", "%PDF-1.7", "plain text é"),
    read: (input) => [
      `${documentType(new Uint8Array(input), undefined)} ${documentType(new Uint8Array(input), decode(input))} ${documentType(new Uint8Array(input), "text/plain")}`,
    ],
    refuses: never,
  },
];

class NoYaml extends Error {}

function parsedYaml(text: string): unknown {
  try {
    return Bun.YAML.parse(text);
  } catch (cause) {
    throw new NoYaml("It is no YAML", { cause });
  }
}
