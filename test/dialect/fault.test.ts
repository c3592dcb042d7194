import { expect, test } from "bun:test";
import { readFault } from "#src/dialect/fault.ts";
import { geminiUpstream } from "#src/dialect/gemini/gemini.ts";
import { encode } from "#src/lib/bytes.ts";

const rows: {
  who: string;
  body: string;
  fault: { message: string; type?: string; code?: string; param?: string };
}[] = [
  {
    who: "OpenAI",
    body: '{"error":{"message":"m","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}',
    fault: {
      message: "m",
      type: "invalid_request_error",
      param: "messages",
      code: "context_length_exceeded",
    },
  },
  {
    who: "OpenAI without credit",
    body: '{"error":{"message":"m","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}',
    fault: { message: "m", type: "insufficient_quota", code: "insufficient_quota" },
  },
  {
    who: "Azure's filter",
    body: '{"error":{"message":"m","type":null,"param":"prompt","code":"content_filter","status":400,"innererror":{"code":"ResponsibleAIPolicyViolation","content_filter_result":{}}}}',
    fault: { message: "m", param: "prompt", code: "content_filter" },
  },
  {
    who: "Anthropic",
    body: '{"type":"error","error":{"type":"overloaded_error","message":"m"},"request_id":"r"}',
    fault: { message: "m", type: "overloaded_error" },
  },
  {
    who: "Mistral",
    body: '{"object":"error","message":"m","type":"invalid_request_error","param":null,"code":"1500"}',
    fault: { message: "m", type: "invalid_request_error", code: "1500" },
  },
  {
    who: "Mistral, validation",
    body: '{"detail":[{"loc":["body","user"],"msg":"m","type":"extra_forbidden"}]}',
    fault: { message: "m" },
  },
  { who: "Cohere", body: '{"id":"i","message":"m"}', fault: { message: "m" } },
  { who: "xAI", body: '{"code":"c","error":"m"}', fault: { message: "m", code: "c" } },
  {
    who: "Moonshot",
    body: '{"error":{"message":"m","type":"exceeded_current_quota_error"}}',
    fault: { message: "m", type: "exceeded_current_quota_error" },
  },
  {
    who: "Z.ai",
    body: '{"error":{"code":"1302","message":"m"}}',
    fault: { message: "m", code: "1302" },
  },
  {
    who: "OpenRouter",
    body: '{"error":{"code":402,"message":"m","metadata":{}}}',
    fault: { message: "m" },
  },
  { who: "Bedrock", body: '{"message":"m"}', fault: { message: "m" } },
  { who: "DeepInfra", body: '{"detail":{"error":"m"}}', fault: { message: "m" } },
  {
    who: "DeepInfra, nested",
    body: '{"detail":{"error":{"message":"m"}}}',
    fault: { message: "m" },
  },
  { who: "FastAPI", body: '{"detail":"m"}', fault: { message: "m" } },
  { who: "Hugging Face, Ollama", body: '{"error":"m"}', fault: { message: "m" } },
  {
    who: "older vLLM",
    body: '{"object":"error","message":"m","type":"BadRequestError","param":null,"code":400}',
    fault: { message: "m", type: "BadRequestError" },
  },
  {
    who: "Cerebras, flat",
    body: '{"message":"m","type":"invalid_request_error","param":"validation_error","code":"wrong_api_format"}',
    fault: {
      message: "m",
      type: "invalid_request_error",
      param: "validation_error",
      code: "wrong_api_format",
    },
  },
  { who: "a proxy", body: "<html>m</html>", fault: { message: "<html>m</html>" } },
  {
    who: "nobody",
    body: "",
    fault: { message: "The provider answered with status 400 and no explanation" },
  },
];

test.each(rows)("the error of $who is read", ({ body, fault }) => {
  expect(readFault(400, encode(body))).toEqual({ status: 400, ...fault });
});

test("Google's error tells its status, its reason and the wait", () => {
  const error = {
    code: 429,
    message: "m",
    status: "RESOURCE_EXHAUSTED",
    details: [
      { "@type": "type.googleapis.com/google.rpc.ErrorInfo", reason: "RATE_LIMIT_EXCEEDED" },
      { "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "35.5s" },
    ],
  };
  for (const body of [{ error }, [{ error }]]) {
    expect(geminiUpstream.readError(429, encode(JSON.stringify(body)))).toEqual({
      ...{ status: 429, message: "m", type: "RESOURCE_EXHAUSTED" },
      ...{ code: "RATE_LIMIT_EXCEEDED", retryAfterSeconds: 35.5 },
    });
  }
});
