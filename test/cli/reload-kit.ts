import type { Serving } from "#test/lib/serving.ts";
import { until } from "#test/workers/kit.ts";

/** How often the log of a gateway names an event. */
export function events(serving: Serving, name: string): number {
  return serving.err().split(`"${name}"`).length - 1;
}

/** Has it read the file, and waits until it did. */
export async function reload(serving: Serving): Promise<void> {
  const before = events(serving, "configuration_read");
  serving.signal("SIGHUP");
  await until("it is read", () => events(serving, "configuration_read") > before);
}
