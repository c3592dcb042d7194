import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { at, refusal, startGateway, type TestGateway } from "#test/lib/gateway.ts";

/*
 * What is routed, held and metered by our reading of a body must be what the upstream reads in it: readers differ in
 * which of two members of one name counts, and in whether case does.
 */

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway.close());

const hi = '"messages":[{"role":"user","content":"Hi"}]';
const gemini = "/v1beta/models/gemini-2.5-flash:generateContent";
const contents = '"contents":[{"parts":[{"text":"Hi"}]}]';

describe("a body that can be read in two ways is refused, and reaches nobody", () => {
  test.each([
    ["/v1/chat/completions", `{"model":"openai/gpt-4o-mini","max_tokens":1,${hi},"max_tokens":9}`],
    ["/v1/chat/completions", `{"model":"openai/gpt-4o-mini","stream":true,${hi},"stream":false}`],
    ["/v1/chat/completions", `{"model":"openai/gpt-4o-mini",${hi},"n":9,"n":1}`],
    ["/v1/chat/completions", `{"model":"openai/gpt-4o-mini","\\u006d\\u006fdel":"x",${hi}}`],
    ["/v1/chat/completions", `{"model":"openai/gpt-4o-mini","Model":"openai/gpt-5.4",${hi}}`],
    ["/v1/chat/completions", `{"model":"openai/gpt-4o-mini","MAX_TOKENS":9999,${hi}}`],
    ["/v1/chat/completions", `{"model":"openai/gpt-4o-mini","ſtream":true,${hi}}`],
    ["/v1/completions", '{"model":"openai/gpt-4o-mini","prompt":"a","best_of":1,"best_of":9}'],
    ["/v1/responses", '{"model":"openai/gpt-4o-mini","input":"a","provider":{},"provider":{}}'],
    ["/v1/messages", `{"model":"anthropic/claude-haiku-4.5","max_tokens":9,"max_tokens":1,${hi}}`],
    ["/v1/embeddings", '{"model":"openai/text-embedding-3-small","input":["a"],"input":"b"}'],
    [gemini, `{${contents},"generationConfig":{},"generationConfig":{"maxOutputTokens":9}}`],
    [gemini, `{${contents},"generationConfig":{},"generation_config":{"maxOutputTokens":9}}`],
    [gemini, `{${contents},"generationConfig":{"maxOutputTokens":9,"maxOutputTokens":1}}`],
    [gemini, `{${contents},"generationConfig":{"candidateCount":1,"candidate_count":8}}`],
    ["/openai/v1/chat/completions", `{"model":"gpt-4o-mini","max_tokens":9,"max_tokens":1,${hi}}`],
    ["/openai/v1/chat/completions", `{"model":"gpt-4o-mini","N":9,"n":1,${hi}}`],
    [
      "/google/v1beta/models/gemini-2.5-flash:generateContent",
      `{${contents},"generationConfig":{"maxOutputTokens":9,"maxOutputTokens":1}}`,
    ],
  ])("%s %s", async (path, body) => {
    const before = gateway.reached();
    const reply = await gateway.ask(path, { body });
    const code = path.includes("/v1beta/") ? at(reply.json, "error.status") : undefined;
    if (path === "/v1/messages") expect(reply.status).toBe(400);
    else if (code === undefined) expect(refusal(reply)).toEqual([400, "invalid_value"]);
    else expect([reply.status, code]).toEqual([400, "INVALID_ARGUMENT"]);
    expect(gateway.reached()).toBe(before);
  });
});

test("the same names within a message, or in another case where nobody reads them, are nobody's concern", async () => {
  for (const more of ['"metadata":{"a":"1","A":"2"}', '"Seed":1', '"logit_bias":{}'])
    expect(
      (
        await gateway.ask("/v1/chat/completions", {
          body: `{"model":"openai/gpt-4o-mini",${more},${hi}}`,
        })
      ).status,
    ).toBe(200);
});
