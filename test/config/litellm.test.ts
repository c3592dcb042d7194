import { describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { createCatalogue } from "#src/catalogue.ts";
import { run } from "#src/cli/program.ts";
import { parseFile } from "#src/config/file.ts";
import { fromLitellm, type KnownCatalogue } from "#src/config/litellm.ts";
import { loadConfig } from "#src/config/load.ts";
import type { FileConfig } from "#src/config/schema.ts";
import { toToml } from "#src/config/toml.ts";
import { systemClock } from "#src/lib/clock.ts";
import { isObject } from "#src/lib/json.ts";
import { temporaryFolder } from "#test/store/temporary.ts";

const sample = "test/fixtures/litellm/config.yaml";
const catalogue: KnownCatalogue = (() => {
  const { routes, services } = createCatalogue(loadConfig({ dataDir: "x" }, {}), systemClock);
  return {
    modelId: (name) => {
      const found = routes.find(name);
      return found?.variant === undefined ? found?.model.id : undefined;
    },
    offers: (provider, id) =>
      routes.find(id)?.model.endpoints.some((endpoint) => endpoint.provider === provider) === true,
    keyNames: (id) => services.providers.find((provider) => provider.id === id)?.env,
  };
})();

const whole = () => fromLitellm(Bun.YAML.parse(readFileSync(sample, "utf8")), catalogue);

/** One route in a file of its own. */
function route(params: object, more: object = {}, name = "m") {
  return fromLitellm(
    { model_list: [{ model_name: name, litellm_params: params, ...more }] },
    catalogue,
  );
}

describe("a configuration of LiteLLM", () => {
  test("keeps its routes, key names, prices, aliases, fallbacks and limits of attempts", () => {
    expect(whole().config).toEqual({
      routing: {
        policy: "prefer-cheapest",
        max_attempts: 4,
        aliases: {
          claude: "anthropic/claude-sonnet-4.5",
          "house-llama": "meta-llama/llama-3.3-70b-instruct",
          "eu-gpt": "openai/gpt-4o-mini",
          embed: "baai/bge-m3",
          "gpt-4": "openai/gpt-4o",
        },
        fallbacks: {
          "openai/gpt-4o": ["anthropic/claude-sonnet-4.5", "meta-llama/llama-3.3-70b-instruct"],
          "*": ["anthropic/claude-sonnet-4.5"],
        },
      },
      timeouts: { total_s: 600 },
      providers: {
        anthropic: { api_key_env: "CLAUDE_KEY" },
        "own-10-0-0-5-8000": {
          protocol: "openai-chat",
          base_url: "http://10.0.0.5:8000/v1",
          api_key_env: "OWN_10_0_0_5_8000_API_KEY",
        },
        azure: {
          base_url: "https://acme-eu.openai.azure.com/openai/v1",
          deployments: { "eu-gpt-4o-mini": "openai/gpt-4o-mini" },
        },
      },
      models: [
        {
          id: "meta-llama/llama-3.3-70b-instruct",
          provider: "own-10-0-0-5-8000",
          upstream: "llama-3.3-70b-instruct",
          input_per_million: 0.2,
          output_per_million: 0.4,
          context_window: 32768,
          tools: true,
        },
        {
          id: "baai/bge-m3",
          provider: "own-10-0-0-5-8000",
          kind: "embedding",
          upstream: "bge-m3",
        },
      ],
    });
  });

  test("leads to a file that the gateway reads back as the same and can start with", () => {
    const { config } = whole();
    const folder = temporaryFolder();
    const path = `${folder.path}/lowrouter.toml`;
    const text = toToml(config);
    expect(parseFile("it", text)).toEqual(config);
    return Bun.write(path, text).then(() => {
      const env = { OPENAI_API_KEY: "x", CLAUDE_KEY: "x", AZURE_API_KEY: "x" };
      const { routes } = createCatalogue(
        loadConfig({ config: path, dataDir: folder.path }, env),
        systemClock,
      );
      const house = routes.find("house-llama")?.model;
      expect(house && routes.of(house).map(({ deployment }) => deployment.provider.id)).toEqual([
        "own-10-0-0-5-8000",
      ]);
      expect(routes.find("GPT-4")?.model.id).toBe("openai/gpt-4o");
      folder[Symbol.dispose]();
    });
  });

  test("never carries a secret over, and names the variable for each", () => {
    const imported = whole();
    const everything = JSON.stringify(imported) + toToml(imported.config);
    for (const secret of ["sk-secret-in-the-file", "sk-1234", "sk-lf-1", "user:pass"])
      expect(everything).not.toContain(secret);
    expect(imported.environment).toEqual([
      "OPENAI_API_KEY",
      "CLAUDE_KEY",
      "OWN_10_0_0_5_8000_API_KEY",
      "GROQ_API_KEY",
      "AZURE_API_KEY",
      "MISTRAL_API_KEY",
      "LANGFUSE_SECRET_KEY",
    ]);
  });

  test("says of every setting that it does not carry what became of it", () => {
    const document: unknown = Bun.YAML.parse(readFileSync(sample, "utf8"));
    const said = whole().notes.join("\n");
    for (const path of [
      "model_list[0]: rpm",
      "model_list[2]: a key is written in the file",
      'model_list[5]: "mistral/*"',
      "litellm_settings.context_window_fallbacks",
      "litellm_settings.drop_params",
      "litellm_settings.max_budget",
      "litellm_settings.success_callback",
      "router_settings.redis_host",
      "general_settings.master_key",
      "general_settings.database_url",
      "general_settings.alerting",
      "environment_variables.LANGFUSE_SECRET_KEY",
      "guardrails",
    ])
      expect(said).toContain(path);
    // Whatever stands in the general settings, nothing of it passes in silence.
    if (isObject(document) && isObject(document.general_settings)) {
      for (const name of Object.keys(document.general_settings))
        expect(said).toContain(`general_settings.${name}: `);
    }
  });

  test("has a command for its budget, with its window", () => {
    expect(whole().commands).toEqual([
      "lowrouter key create --account NAME --name NAME --limit 100 --limit-reset monthly",
    ]);
  });

  const rows: [string, object, object][] = [
    ["a bare model is one of OpenAI's", { model: "gpt-4o" }, { aliases: { m: "openai/gpt-4o" } }],
    [
      "a provider's own name of a model finds ours",
      { model: "groq/llama-3.3-70b-versatile" },
      { aliases: { m: "meta-llama/llama-3.3-70b-instruct" } },
    ],
    [
      "Gemini's prefix is Google",
      { model: "gemini/gemini-2.5-flash" },
      { aliases: { m: "google/gemini-2.5-flash" } },
    ],
  ];
  for (const [name, params, routing] of rows) {
    test(name, () => expect(route(params).config).toEqual({ routing }));
  }

  test("keeps the price of a route to a model that is known there, and nothing else of it", () => {
    const { config, notes } = route(
      { model: "openai/gpt-4o", input_cost_per_token: 2e-6, cache_read_input_token_cost: 5e-7 },
      { model_info: { output_cost_per_token: 8e-6, max_input_tokens: 5000 } },
    );
    expect(config.models).toEqual([
      {
        id: "openai/gpt-4o",
        provider: "openai",
        input_per_million: 2,
        output_per_million: 8,
        cache_read_per_million: 0.5,
      },
    ]);
    expect(notes.filter((note) => note.includes("cost"))).toEqual([]);
    const azure = route({ model: "azure/my", input_cost_per_token: 2e-6 }, {}, "gpt-4o").config;
    expect(azure.models).toEqual([
      { id: "openai/gpt-4o", provider: "azure", input_per_million: 2 },
    ]);
    expect(route({ model: "openai/gpt-4o" }).config).not.toHaveProperty("models");
  });

  test("leads two models of one name to the first, and to the second when it fails", () => {
    const { config, notes } = fromLitellm(
      {
        model_list: [
          { model_name: "fast", litellm_params: { model: "openai/gpt-4o-mini" } },
          { model_name: "fast", litellm_params: { model: "gemini/gemini-2.5-flash" } },
        ],
      },
      catalogue,
    );
    expect(config.routing).toEqual({
      aliases: { fast: "openai/gpt-4o-mini" },
      fallbacks: { "openai/gpt-4o-mini": ["google/gemini-2.5-flash"] },
    });
    expect(notes.join()).toContain('"fast" leads to 2 different models');
  });

  test("says which second key or address of a provider it leaves out", () => {
    const { notes, config } = fromLitellm(
      {
        model_list: [
          { litellm_params: { model: "gpt-4o", api_key: "os.environ/ONE" } },
          { litellm_params: { model: "gpt-4o", api_key: "os.environ/TWO" } },
        ],
      },
      catalogue,
    );
    expect(config.providers).toEqual({ openai: { api_key_env: "ONE" } });
    expect(notes.join()).toContain("openai has a second key, TWO");
  });

  test("names a region that it cannot carry, and what is no route", () => {
    const { notes } = fromLitellm(
      { model_list: [{}, { litellm_params: { model: "azure/x", region_name: "eu" } }] },
      catalogue,
    );
    expect(notes[0]).toContain("model_list[0]: it has no litellm_params.model");
    expect(notes.join()).toContain('region_name "eu"');
  });

  test("says of each parameter of a route that it does not know that it is not carried over", () => {
    const { notes } = route({
      model: "bedrock/anthropic.claude-3-5-sonnet-20240620-v1:0",
      aws_region_name: "eu-west-1",
      stream_timeout: 5,
      max_budget: 1,
      organization: "o",
    });
    for (const name of ["aws_region_name", "stream_timeout", "max_budget", "organization"])
      expect(notes.join("\n")).toContain(`model_list[0]: ${name} is not carried over`);
  });

  test("leaves names that lead nowhere out of aliases and fallbacks, and says so", () => {
    const { config, notes } = fromLitellm(
      {
        model_list: [{ model_name: "a", litellm_params: { model: "openai/gpt-4o" } }],
        router_settings: {
          model_group_alias: { x: "y", y: "x", nowhere: "missing", w: "v", v: { model: "a" } },
          fallbacks: [{ a: ["ghost", "gpt-4o-mini"] }, { ghost: ["a"] }, "text", { "*": ["w"] }],
        },
      },
      catalogue,
    );
    expect(config.routing).toEqual({
      aliases: { a: "openai/gpt-4o", w: "openai/gpt-4o", v: "openai/gpt-4o" },
      fallbacks: { "openai/gpt-4o": ["openai/gpt-4o-mini"], "*": ["openai/gpt-4o"] },
    });
    for (const name of ['alias: "x"', 'alias: "y"', 'alias: "nowhere"', 'fallbacks: "ghost"'])
      expect(notes.join("\n")).toContain(
        `router_settings.${name.replace("alias", "model_group_alias")}`,
      );
    expect(notes.join("\n")).toContain('router_settings.fallbacks: "text" is no section');
  });

  test("takes no number that a configuration cannot hold, and says what becomes of each", () => {
    const { config, notes, commands } = fromLitellm(
      {
        model_list: [
          {
            litellm_params: {
              model: "hosted_vllm/m",
              api_base: "http://h/v1",
              input_cost_per_token: -1,
            },
            model_info: { max_input_tokens: 1e300, max_output_tokens: 2.5 },
          },
        ],
        litellm_settings: { max_budget: -3, request_timeout: 5, num_retries: 0 },
        router_settings: { timeout: 1e6 },
      },
      catalogue,
    );
    expect(config.models).toEqual([{ id: "vllm/m", provider: "vllm", upstream: "m" }]);
    expect([config.routing?.max_attempts, config.timeouts]).toEqual([1, { total_s: 86_400 }]);
    expect(commands).toEqual([]);
    for (const said of [
      "model_list[0]: input_cost_per_token is no price from 0 to 0.01 USD a token",
      "model_list[0]: max_input_tokens is no whole number from 1 to 100000000",
      "model_list[0]: max_output_tokens is no whole number",
      "litellm_settings.max_budget: -3 is no number from 0 to 9000000, and is left out",
      "router_settings.timeout: 1000000 is no number from 0 to 86400, which is taken instead",
      "litellm_settings.request_timeout: left out, as router_settings.timeout counts",
    ])
      expect(notes.join("\n")).toContain(said);
    expect(parseFile("it", toToml(config))).toEqual(config);
  });

  test("keeps several servers of one model as endpoints of it, each with its address", () => {
    const on = (host: string, model = "hosted_vllm/qwen") => ({
      model_name: "house",
      litellm_params: { model, api_base: `http://${host}/v1` },
    });
    const { config } = fromLitellm(
      { model_list: [on("a"), on("b"), on("c", "openai/qwen")] },
      catalogue,
    );
    expect(config).toMatchObject({
      routing: { aliases: { house: "vllm/qwen" } },
      providers: {
        vllm: { base_url: "http://a/v1" },
        "own-b": { protocol: "openai-chat", base_url: "http://b/v1" },
        "own-c": { protocol: "openai-chat", base_url: "http://c/v1" },
      },
    });
    expect(config.models?.map(({ id, provider }) => [id, provider])).toEqual([
      ["vllm/qwen", "vllm"],
      ["vllm/qwen", "own-b"],
      ["vllm/qwen", "own-c"],
    ]);
  });

  test("says of a model without a price that prepaid accounts cannot call it", () => {
    const params = { model: "hosted_vllm/m", api_base: "http://h/v1", input_cost_per_token: 0 };
    const said = (more: object) =>
      route({ ...params, ...more }).notes.filter((note) =>
        note.includes("prepaid accounts cannot call"),
      );
    expect(said({})).toHaveLength(1);
    expect(said({ output_cost_per_token: 0 })).toEqual([]);
  });

  test("takes Ollama's address for that of the wire that is spoken here", () => {
    const { config } = route({ model: "ollama/llama3.1", api_base: "http://localhost:11434/" });
    expect(config.providers).toEqual({ ollama: { base_url: "http://localhost:11434/v1" } });
  });

  test("leaves a route to a second address out with it: the first does not have its deployment", () => {
    const at = (name: string, model: string) => ({
      model_name: "gpt-4o",
      litellm_params: { model: `azure/${model}`, api_base: `https://${name}.openai.azure.com/` },
    });
    const { config, notes } = fromLitellm(
      { model_list: [at("eu", "one"), at("ca", "two")] },
      catalogue,
    );
    expect(config.providers?.azure?.deployments).toEqual({ one: "openai/gpt-4o" });
    expect(notes.join()).toContain("which is left out, and the route with it");
  });

  test("gives each address of the environment a provider of its own, none that of OpenAI", () => {
    const at = (model: string) => ({
      litellm_params: { model: `openai/${model}`, api_base: `os.environ/BASE_${model}` },
    });
    const { config } = fromLitellm({ model_list: [at("X"), at("Y")] }, catalogue);
    expect(Object.keys(config.providers ?? {})).toEqual(["own-base-x", "own-base-y"]);
  });

  test("says what of an entry is lost: other members, modes that are not served, a second price", () => {
    const { config, notes } = fromLitellm(
      {
        model_list: [
          {
            model_name: "w",
            litellm_params: { model: "whisper-1" },
            model_info: { mode: "audio_transcription" },
          },
          {
            litellm_params: { model: "gpt-4o", input_cost_per_token: 1e-6 },
            model_info: { id: "7" },
          },
          { litellm_params: { model: "gpt-4o", input_cost_per_token: 2e-6 }, tpm: 5 },
        ],
        general_settings: "text",
      },
      catalogue,
    );
    expect(config.models).toEqual([
      { id: "openai/gpt-4o", provider: "openai", input_per_million: 1 },
    ]);
    for (const said of [
      'model_list[0]: nothing of mode "audio_transcription" is served here; the route is left out',
      "model_list[1]: of its model_info is not carried over: id",
      "model_list[2]: tpm is not carried over",
      "model_list[2]: openai/gpt-4o at openai stands above already",
      "general_settings: it is no section and is left out",
    ])
      expect(notes.join("\n")).toContain(said);
  });

  test("says where a model that one provider served alone there has others here", () => {
    const { notes } = fromLitellm(
      {
        model_list: [
          { model_name: "gpt", litellm_params: { model: "openai/gpt-4o" } },
          {
            model_name: "eu-gpt",
            litellm_params: { model: "azure/x" },
            model_info: { base_model: "gpt-4o" },
          },
          { model_name: "claude", litellm_params: { model: "anthropic/claude-sonnet-4-5" } },
        ],
      },
      catalogue,
    );
    const said = notes.filter((note) => note.includes("as well as"));
    expect(said).toHaveLength(2);
    expect(said[1]).toContain(
      '"eu-gpt" is openai/gpt-4o here, which openai may serve as well as azure',
    );
  });

  test("is refused when its list of models is none", () => {
    expect(() => fromLitellm({ model_list: "gpt-4o" }, catalogue)).toThrow("is no list");
  });

  test("is refused when the document is something else", () => {
    for (const other of [null, 1, [], {}, { services: {} }])
      expect(() => fromLitellm(other, catalogue)).toThrow('no "model_list"');
  });
});

describe("toToml()", () => {
  test("writes names and texts that need quotes so that they read back", () => {
    const config = {
      routing: { aliases: { 'a "b".c\\\u007f\n': "openai/gpt-4o", plain: "x/ü" } },
    };
    expect(parseFile("it", toToml(config))).toEqual(config);
  });
});

describe("lowrouter import litellm", () => {
  async function cli(...argv: string[]) {
    const said = { out: "", err: "" };
    const code = await run(["import", "litellm", ...argv], {
      out: (text) => void (said.out += text),
      err: (text) => void (said.err += text),
      colour: false,
    });
    return { code, ...said };
  }

  test("prints the configuration, and what to do next apart from it", async () => {
    const { code, out, err } = await cli(sample);
    expect(code).toBe(0);
    expect(parseFile("it", out)).toEqual(whole().config);
    expect(err).toContain("Not carried over");
    expect(err).toContain("CLAUDE_KEY");
  });

  test("writes a new file and never over one that is there", async () => {
    using folder = temporaryFolder();
    const path = `${folder.path}/lowrouter.toml`;
    expect(await cli(sample, "--out", path)).toMatchObject({ code: 0, out: `${path}\n` });
    expect(await cli(sample, "--out", path)).toMatchObject({
      code: 1,
      err: expect.stringContaining("it exists already"),
    });
  });

  test("prints JSON on demand", async () => {
    const { out } = await cli(sample, "--json");
    expect(JSON.parse(out)).toMatchObject({ data: { commands: whole().commands } });
  });

  test("says what it needs when the file is missing, no YAML or something else", async () => {
    using folder = temporaryFolder();
    await Bun.write(`${folder.path}/a.yaml`, "a: [");
    await Bun.write(`${folder.path}/b.yaml`, "services: {}");
    expect(await cli(`${folder.path}/none.yaml`)).toMatchObject({ code: 2 });
    for (const name of ["a", "b"]) {
      const { code, err } = await cli(`${folder.path}/${name}.yaml`);
      expect(code).toBe(1);
      expect(err).toContain("model_list");
    }
  });
});

test("an alias, a fallback or a default that leads to no model stops the start, naming it", () => {
  const rows: [string, NonNullable<FileConfig["routing"]>][] = [
    ["aliases", { aliases: { house: "no/such" } }],
    ["aliases", { aliases: { house: "home", home: "house" } }],
    ["aliases", { aliases: { house: "openai/gpt-4o:nirto" } }],
    ["fallbacks", { fallbacks: { "openai/gpt-4o": ["openai/gpt-4o-mini:nirto"] } }],
    ["fallbacks", { fallbacks: { "openai/gpt-4o": ["no/such"] } }],
    ["fallbacks", { fallbacks: { "no/such": ["openai/gpt-4o"] } }],
    ["default_model", { default_model: "no/such" }],
    ["default_model", { default_model: "lowrouter/auto:nirto" }],
  ];
  for (const [section, routing] of rows) {
    using folder = temporaryFolder();
    const path = `${folder.path}/lowrouter.toml`;
    writeFileSync(path, toToml({ routing }));
    expect(() =>
      createCatalogue(loadConfig({ config: path, dataDir: folder.path }, {}), systemClock),
    ).toThrow(`routing.${section}`);
  }
  for (const name of ["auto", "lowrouter/auto:floor", "LOWROUTER/auto-cheap", "gpt-4o:nitro"]) {
    using folder = temporaryFolder();
    const path = `${folder.path}/lowrouter.toml`;
    writeFileSync(path, toToml({ routing: { default_model: name, fallbacks: { "*": [name] } } }));
    createCatalogue(loadConfig({ config: path, dataDir: folder.path }, {}), systemClock);
  }
});

test("names that every object knows as members are names like any other", () => {
  const named = route({ model: "constructor/x" }, {}, "toString");
  expect(named.config.routing?.aliases).toEqual({ toString: "openai/constructor/x" });
  const { commands, config } = fromLitellm(
    {
      model_list: [{ model_name: "valueOf", litellm_params: { model: "openai/valueOf" } }],
      litellm_settings: {
        max_budget: 5,
        budget_duration: "constructor",
        fallbacks: [{ valueOf: ["gpt-4o"] }],
      },
    },
    catalogue,
  );
  expect(commands).toEqual(["lowrouter key create --account NAME --name NAME --limit 5"]);
  expect(config.routing?.fallbacks).toEqual({ "openai/valueOf": ["openai/gpt-4o"] });
});

test("a model whose name no configuration can hold is left out, with a note", () => {
  const { config, notes } = route({ model: "groq/llama 3" });
  expect(config.models).toBeUndefined();
  expect(notes).toEqual([
    "model_list[0]: the name of its model has white space in it and is left out",
  ]);
});

test.each(["groq/", "groq/chat/", "/", "openai//"])(
  "a model of which %p is all is left out, with a note",
  (model) => {
    const { config, notes } = route({ model });
    expect(config.models).toBeUndefined();
    expect(notes).toEqual([
      `model_list[0]: its model "${model}" names none behind the slash and is left out`,
    ]);
  },
);
