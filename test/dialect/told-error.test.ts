import { expect, test } from "bun:test";
import { UpstreamStreamError } from "#src/dialect/dialect.ts";
import { EventSteps, EventTexts } from "#src/dialect/event-steps.ts";
import { errorIn } from "#src/dialect/told-error.ts";
import { decode } from "#src/lib/bytes.ts";

const said = { message: "Words" };

test.each([
  [{ error: { ...said, type: "server_error", code: null } }, 500],
  [{ error: { ...said, type: "requests", code: "rate_limit_exceeded" } }, 429],
  [{ error: { ...said, type: "invalid_request_error", code: "context_length_exceeded" } }, 400],
  [{ error: { ...said, type: "insufficient_quota", code: "insufficient_quota" } }, 429],
  [{ error: { ...said, type: "BadRequestError", code: 400 } }, 400],
  [{ error: { ...said, code: 502, metadata: {} }, choices: [] }, 502],
  [{ error: { ...said, code: "503" } }, 503],
  [{ type: "error", error: { ...said, type: "overloaded_error" } }, 529],
  [{ type: "error", error: { ...said, type: "rate_limit_error" } }, 429],
  [{ type: "error", error: { ...said, type: "api_error" } }, 500],
  [{ type: "error", code: "server_error", ...said, param: null }, 500],
  [
    { type: "response.failed", response: { error: { ...said, code: "server_is_overloaded" } } },
    503,
  ],
  [{ error: { ...said, code: 429, status: "RESOURCE_EXHAUSTED" } }, 429],
  [[{ error: { ...said, code: 503, status: "UNAVAILABLE" } }], 503],
])("errorIn() reads %j as a %i", (data, status) => {
  const told = errorIn({ data: JSON.stringify(data) });
  expect(told?.status).toBe(status);
  expect(JSON.parse(decode(told?.body ?? new Uint8Array()))).toMatchObject({ error: said });
});

test.each([
  ["throttlingException", 429],
  ["modelStreamErrorException", 424],
  ["internalServerException", 500],
  ["validationException", 400],
])("errorIn() reads the exception %s as a %i, with or without words", (type, status) => {
  const event = `exception:${type}`;
  expect(errorIn({ event, data: JSON.stringify(said) })?.status).toBe(status);
  expect(errorIn({ event, data: "" })?.status).toBe(status);
});

test.each([
  ['{"error":{"message":"Words","type":"strange"}}'],
  ['{"error":{"message":"Words","code":200}}'],
  ['{"error":{"message":"Words","code":"1302"}}'],
  ['{"error":{"type":"constructor"}}'],
  ['{"error":"Words"}'],
  ['{"type":"error","message":"Words"}'],
  ['{"type":"content_block_delta","delta":{"type":"api_error"}}'],
  ['{"choices":[],"code":"server_error"}'],
  ["[]"],
  ["<html>"],
  [""],
])("errorIn() makes nothing of %s", (data) => {
  expect(errorIn({ data })).toBeUndefined();
});

const breaks = (): never => {
  throw new UpstreamStreamError("broken");
};
function thrownBy(act: () => unknown): unknown {
  try {
    act();
  } catch (thrown) {
    return thrown;
  }
  return undefined;
}

test("the event that breaks a stream goes with the error, as text whichever way it was read", () => {
  const data = '{"error":{"message":"Grüße"}}';
  const raw = Buffer.from(data).toString("latin1");
  const decoded = thrownBy(() => new EventSteps(breaks).of([{ event: "error", data }]));
  const spliced = thrownBy(() => new EventTexts(breaks).of([{ event: "error", data: raw }]));
  for (const thrown of [decoded, spliced]) {
    if (!(thrown instanceof UpstreamStreamError)) throw new Error("Another error was thrown");
    expect(thrown.event).toEqual({ event: "error", data });
    // What it says may quote the prompt: it is shown to nobody who only looks at the error.
    expect(Bun.inspect(thrown) + JSON.stringify(thrown)).not.toContain("Grüße");
  }
});
