import type { Deployment } from "#src/provider/deployment.ts";
import { send } from "#src/provider/send.ts";

/** What a provider said to a harmless request. */
export interface Probe {
  region: string;
  /** Which credential, where there are several. */
  credential?: string;
  base_url: string;
  ok: boolean;
  status: number | null;
  message: string;
}

/** Asks for the model list: proves address and credential, costs nothing. */
export async function probe(deployment: Deployment, timeoutMs: number): Promise<Probe> {
  const { key, region, baseUrl } = deployment;
  const seen = { region, ...(key ? { credential: key.id } : {}), base_url: baseUrl };
  try {
    const limitMs = Math.max(1000, timeoutMs);
    const exchange = send(deployment, "/models", undefined, {
      method: "GET",
      stream: false,
      connectMs: limitMs,
    });
    const late = setTimeout(() => exchange.abort(new Error("No answer in time")), limitMs);
    const { status } = await exchange.head.finally(() => clearTimeout(late));
    exchange.abort(new Error("The status says it all"));
    if (status === 401 || status === 403)
      return {
        ...seen,
        ok: false,
        status,
        message: `the credential was refused (${status}): check the key`,
      };
    if (status >= 500)
      return { ...seen, ok: false, status, message: `it answered ${status}: try again later` };
    // Some compatible servers have no model list; that they answered at all proves the address.
    return {
      ...seen,
      ok: true,
      status,
      message:
        status === 200
          ? "address and credential work"
          : `the address answers (${status} to the model list)`,
    };
  } catch {
    return {
      ...seen,
      ok: false,
      status: null,
      message: "no connection: check the address and the network",
    };
  }
}
