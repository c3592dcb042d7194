import type { Ask } from "#src/dialect/dialect.ts";
import { parseExact } from "#src/dialect/exact-json.ts";
import { rawOf, readRaw } from "#src/dialect/raw-text.ts";
import { membersOf } from "#src/dialect/splice.ts";
import { isObject, type Json, type JsonObject } from "#src/lib/json.ts";

/** Members of requests that hold JSON Schemas, by the names of every client. */
const holders = ["tools", "functions", "response_format", "text"] as const;
/** Google's settings, of which the schemas alone are read anew: the others have to be numbers. */
const configs = ["generationConfig", "generation_config"] as const;
const configured = [
  ...["responseSchema", "responseJsonSchema", "_responseJsonSchema"],
  ...["response_schema", "response_json_schema"],
];

/**
 * A request whose schemas bear their numbers as they were written: a bound such as 18446744073709551615 is rounded
 * when it is parsed. Read anew are only members in which a number is beyond what is exact, and only where they are
 * translated: the byte path does not parse them.
 */
export function withExactSchemas(body: Uint8Array, ask: Ask): Ask {
  const { parsed } = ask;
  const whole = holders.filter((name) => isRounded(parsed[name]));
  const within = configs.filter((name) => isRounded(schemasIn(parsed[name])));
  if (whole.length === 0 && within.length === 0) return ask;
  const raw = rawOf(body, ask);
  const exact: JsonObject = { ...parsed };
  for (const { key, valueStart, end } of membersOf(raw)) {
    const read = () => parseExact(readRaw(raw.slice(valueStart, end)));
    if (whole.some((name) => name === key)) exact[key] = read();
    else if (within.some((name) => name === key)) {
      const settings = parsed[key];
      if (isObject(settings)) exact[key] = { ...settings, ...schemasIn(read()) };
    }
  }
  return { ...ask, parsed: exact };
}

function schemasIn(settings: Json | undefined): JsonObject {
  if (!isObject(settings)) return {};
  return Object.fromEntries(
    configured.filter((name) => name in settings).map((name) => [name, settings[name]]),
  );
}

/** Whether a number in a value stands for several. */
function isRounded(value: Json | undefined): boolean {
  if (typeof value === "number")
    return !Number.isFinite(value) || Math.abs(value) > Number.MAX_SAFE_INTEGER;
  if (Array.isArray(value)) return value.some(isRounded);
  if (!isObject(value)) return false;
  for (const name in value) if (isRounded(value[name])) return true;
  return false;
}
