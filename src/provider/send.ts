import type { Deployment } from "#src/provider/deployment.ts";
import { version } from "#src/lib/version.ts";

const agent = `lowrouter/${version}`;

export interface SendOptions {
  signal: AbortSignal;
  stream: boolean;
  method?: string;
  /** Headers of the client that the provider may see. */
  extra?: Record<string, string>;
}

/** The one place where a request leaves for a provider. The caller owns the signal and the body of the answer. */
export function send(
  deployment: Deployment,
  path: string,
  body: Uint8Array<ArrayBuffer> | undefined,
  options: SendOptions,
): Promise<Response> {
  return fetch(deployment.baseUrl + path, {
    method: options.method ?? "POST",
    headers: {
      "content-type": "application/json",
      accept: options.stream ? "text/event-stream" : "application/json",
      "user-agent": agent,
      ...options.extra,
      ...deployment.headers,
    },
    body,
    signal: options.signal,
    // A redirect could carry the credential to another host.
    redirect: "manual",
  });
}
