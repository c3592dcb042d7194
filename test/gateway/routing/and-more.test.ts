import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import type { ModelConfig } from "#src/config/schema.ts";
import { type Clock, systemClock } from "#src/lib/clock.ts";
import { isObject } from "#src/lib/json.ts";
import { at, listAt, type Reply, startGateway, type TestGateway } from "#test/lib/gateway.ts";
import { completion, scriptedUpstream, type ScriptedUpstream } from "#test/lib/upstream.ts";

/* A trace names some of many candidates, and says how many more there were: whoever adds them up has them all. */

const attempts = 3;
const many = 15;
const named = 8;

let gateway: TestGateway;
let upstream: ScriptedUpstream;
let broken: ScriptedUpstream;
let isBroken = false;
let ahead = 0;
const clock: Clock = {
  now: () => systemClock.now() + ahead,
  monotonic: () => systemClock.monotonic() + ahead,
};
beforeAll(async () => {
  upstream = scriptedUpstream(() => completion("Hi"));
  broken = scriptedUpstream(() =>
    isBroken ? Response.json({ error: { message: "no" } }, { status: 500 }) : completion("Hi"),
  );
  const numbers = Array.from({ length: many }, (_, number) => number);
  gateway = await startGateway({
    clock,
    config(config) {
      const place = { protocol: "openai-chat" as const, country: "FR", region: "eu-west" };
      config.providers = {
        broken: { ...place, base_url: broken.url },
        ...Object.fromEntries(
          numbers.map((number) => [`p${number}`, { ...place, base_url: upstream.url }]),
        ),
      };
      const priced = (usd: number) => ({ input_per_million: usd, output_per_million: usd });
      const at_ = (id: string, number: number, more: Partial<ModelConfig> = {}) => ({
        ...{ id, provider: `p${number}`, ...priced(number + 1), ...more },
      });
      const small = { max_output_tokens: 100 };
      config.models = [
        ...numbers.map((number) => at_("test/many", number)),
        ...numbers.slice(0, attempts + named).map((number) => at_("test/fewer", number)),
        ...numbers.slice(0, 10).map((number) => at_(`short/m${number}`, number, small)),
        at_("short/large", 12),
        // The eighth of those that are passed over, and one behind all of them.
        { id: "broken/amid", provider: "broken", ...priced(7.5) },
        { id: "broken/behind", provider: "broken", ...priced(90) },
      ];
      config.routing.maxAttempts = attempts;
    },
  });
});
afterAll(async () => {
  await gateway.close();
  await upstream.stop();
  await broken.stop();
});
afterEach(() => {
  isBroken = false;
});

async function traceOf(reply: Reply): Promise<Record<string, unknown>[]> {
  expect(reply.status).toBe(200);
  const id = String(at(reply.json, "lowrouter.generation_id"));
  const { json } = await gateway.ask(`/v1/generation/${id}`);
  return listAt(json, "routing_trace").filter(isObject);
}

/** Where it stands, and what it says. */
const further = (trace: Record<string, unknown>[]) =>
  trace.flatMap((one, index) => ("and_more" in one ? [[index, one["and_more"]]] : []));
const modelsOf = (trace: Record<string, unknown>[]) => new Set(trace.map((one) => one["model"]));
/** An answer that only models of some length give, of some authors. */
const chosen = (...authors: string[]) =>
  gateway.chat({
    model: "lowrouter/auto-cheap",
    max_tokens: 5000,
    plugins: [{ id: "auto-router", allowed_models: authors }],
  });

test("the last of those in line that are named says how many more there were", async () => {
  const trace = await traceOf(await gateway.chat({ model: "test/many" }));
  expect(trace).toHaveLength(attempts + named);
  const rest = many - attempts - named;
  // What was decided before the first try stands before what came of it.
  expect(further(trace)).toEqual([[named - 1, rest]]);
  expect(trace[named - 1]).toMatchObject({ decision: "considered" });
});

test("where all are named, nothing is said of more", async () => {
  const trace = await traceOf(await gateway.chat({ model: "test/fewer" }));
  expect(trace).toHaveLength(attempts + named);
  expect(further(trace)).toEqual([]);
});

test("the last of the models that an automatic choice passed over says how many more there were", async () => {
  const trace = await traceOf(await chosen("short/*"));
  expect(trace.filter(({ decision }) => decision === "filtered")).toHaveLength(named);
  expect(trace.at(-1)).toMatchObject({ decision: "selected", model: "short/large" });
  expect(further(trace)).toEqual([[named - 1, 10 - named]]);
});

test("a model that is asked as the last resort is not counted among those that are not named, and takes no count away", async () => {
  isBroken = true;
  for (const model of ["broken/amid", "broken/behind"])
    for (let times = 0; times < 3; times++) await gateway.chat({ model });
  isBroken = false;
  // So long it has to rest.
  ahead += 1000;
  const last = ["short/m*", "broken/amid", "broken/behind"];
  for (const resorts of [["broken/amid"], ["broken/behind"]]) {
    const allowed = last.filter((one) => !one.startsWith("broken/") || resorts.includes(one));
    const trace = await traceOf(await chosen(...allowed));
    expect(trace.at(-1)).toMatchObject({ model: resorts[0], reason: "last_resort" });
    const more = Number(further(trace)[0]?.[1]);
    expect([resorts, modelsOf(trace).size + more]).toEqual([resorts, 11]);
    expect(further(trace)).toHaveLength(1);
  }
});

test("through a provider's own paths, others are neither named nor counted", async () => {
  // Of all that have the model, it would be the last that is named.
  const provider = `p${attempts + named - 1}`;
  const body = { model: "test/many", messages: [{ role: "user", content: "Hello" }] };
  const reply = await gateway.ask(`/${provider}/v1/chat/completions`, { body });
  expect(reply.status).toBe(200);
  const id = reply.headers.get("x-lowrouter-generation-id");
  const { json } = await gateway.ask(`/v1/generation/${id}`);
  const trace = listAt(json, "routing_trace").filter(isObject);
  expect([...new Set(trace.map(({ provider }) => provider))]).toEqual([provider]);
  expect(further(trace)).toEqual([]);
});
