import type { App } from "#src/gateway/context.ts";
import { keysInLine } from "#src/gateway/keys/credentials.ts";
import { allSpent, type KeyHold, type NoRoom, takeOfKey } from "#src/gateway/keys/key-hold.ts";
import type { Errand } from "#src/gateway/proxy/proxy-ask.ts";
import type { Way } from "#src/gateway/proxy/proxy-route.ts";
import type { Route } from "#src/provider/deployment.ts";

/** A way with the credential that it takes. */
export interface KeyedWay {
  way: Way;
  keyHolds: KeyHold[];
}

/** Credentials of the place, in line. A proxied call is sent once, so what is known not to work comes after all that may. */
export function credentialsOf({ route }: Way, app: App): Route[] {
  const line = keysInLine(route, app);
  const isIll = (one: Route) => app.health.state(one) === "unavailable";
  return [...line.filter((one) => !isIll(one)), ...line.filter(isIll)];
}

/** The first credential of a line that has room. Throws 429 and 402 where none has. */
export async function keyedWay(
  { kind, ask }: Errand,
  way: Way,
  line: readonly Route[],
  app: App,
): Promise<KeyedWay> {
  const keyHolds: KeyHold[] = [];
  const spent: NoRoom[] = [];
  for (const route of line) {
    // What costs nothing is no part of any budget.
    const noRoom = kind === "free" ? undefined : await takeOfKey({ ask, keyHolds }, route, app);
    if (noRoom !== undefined) {
      spent.push(noRoom);
      continue;
    }
    const { key } = route.deployment;
    if (key !== undefined) app.keyUsed(key.id);
    return { way: { ...way, route }, keyHolds };
  }
  throw allSpent(spent, app);
}
