import { generateKeyPairSync } from "node:crypto";
import { jwtVerify } from "jose";

const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });

/** The PEM of the account's key. */
export const pem = String(privateKey.export({ type: "pkcs8", format: "pem" }));

export const email = "gateway@project-1.iam.gserviceaccount.com";

/** A service account's JSON whose tokens are given out at an address. */
export function accountJson(tokenUri: string, change: Record<string, unknown> = {}): string {
  return JSON.stringify({
    type: "service_account",
    project_id: "project-1",
    private_key_id: "key-1",
    private_key: pem,
    client_email: email,
    token_uri: tokenUri,
    ...change,
  });
}

/** A token server that checks what it is asked with. */
export interface TokenServer {
  url: string;
  asked(): number;
  /** Tokens given out, in order. */
  given: string[];
  /** Answers otherwise from now on; undefined: as it should. */
  answer(other: (() => Response | Promise<Response>) | undefined): void;
  stop(): Promise<void>;
}

/** Starts one, which gives out tokens for so many seconds. `now` is the time by which assertions have to hold. */
export function startTokenServer(
  options: { seconds?: number; now?: () => number } = {},
): TokenServer {
  const { seconds = 3600, now = () => Date.now() } = options;
  const given: string[] = [];
  let asked = 0;
  let other: (() => Response | Promise<Response>) | undefined;
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      asked++;
      if (other !== undefined) return other();
      const form = new URLSearchParams(await request.text());
      if (form.get("grant_type") !== "urn:ietf:params:oauth:grant-type:jwt-bearer")
        return Response.json({ error: "unsupported_grant_type" }, { status: 400 });
      try {
        const { payload, protectedHeader } = await jwtVerify(
          form.get("assertion") ?? "",
          publicKey,
          {
            algorithms: ["RS256"],
            issuer: email,
            audience: request.url,
            currentDate: new Date(now()),
          },
        );
        const scoped = payload.scope === "https://www.googleapis.com/auth/cloud-platform";
        const lasts = (payload.exp ?? 0) - (payload.iat ?? 0);
        if (!scoped || lasts !== 3600 || protectedHeader.kid !== "key-1")
          return Response.json({ error: "invalid_scope" }, { status: 400 });
      } catch {
        return Response.json({ error: "invalid_grant" }, { status: 400 });
      }
      const token = `ya29.token-${given.length + 1}`;
      given.push(token);
      return Response.json({ access_token: token, expires_in: seconds, token_type: "Bearer" });
    },
  });
  return {
    url: `http://127.0.0.1:${server.port}/token`,
    asked: () => asked,
    given,
    answer(next) {
      other = next;
    },
    stop: () => server.stop(true),
  };
}
