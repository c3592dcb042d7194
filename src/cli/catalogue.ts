import { createGateway, type Gateway } from "#src/app.ts";
import type { CommonOptions } from "#src/cli/program.ts";
import { configOf, storeOf } from "#src/cli/runtime.ts";
import { silentLog } from "#src/observe/log.ts";

/** Runs a command that needs to know what is routable, as the gateway would. */
export async function withGateway<T>(
  options: CommonOptions,
  work: (gateway: Gateway) => Promise<T> | T,
): Promise<T> {
  const config = configOf(options);
  const store = await storeOf(config);
  const gateway = await createGateway({ config, store, log: silentLog });
  try {
    return await work(gateway);
  } finally {
    await gateway.close();
    store.close();
  }
}

/** Grams or watt-hours for a table: three significant digits, an em dash where unknown. */
export function figure(value: number | null | undefined): string {
  return value === null || value === undefined ? "—" : String(Number(value.toPrecision(3)));
}
