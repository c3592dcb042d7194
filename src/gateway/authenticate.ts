import type { Caller } from "#src/account/account.ts";
import type { App } from "#src/gateway/context.ts";
import { AppError } from "#src/lib/error.ts";
import { type Soon, then } from "#src/lib/soon.ts";

/** Who calls, by any of the four carriers of a key. Throws `missing_api_key`, `invalid_api_key`. */
export function authenticate(request: Request, app: App): Soon<Caller> {
  const token = tokenOf(request);
  if (token === undefined) {
    throw new AppError("missing_api_key", "missing or invalid Authorization header");
  }
  return then(app.findCaller(token), (caller) => {
    if (caller === undefined || !isUsable(caller, app.clock.now())) {
      throw new AppError("invalid_api_key", "invalid api key");
    }
    return caller;
  });
}

/** As authenticate(), for inference only. Throws `wrong_key_type` for a management key. */
export function authenticateInference(request: Request, app: App): Soon<Caller> {
  return then(authenticate(request, app), (caller) => {
    if (caller.key.type === "regular") return caller;
    throw new AppError(
      "wrong_key_type",
      "Cannot run inference with a management key: use an API key (lr_live_…)",
    );
  });
}

/** Who calls, for what an answer says of them: undefined where a key is missing, unknown or no longer good. */
export async function callerOf(request: Request, app: App): Promise<Caller | undefined> {
  const token = tokenOf(request);
  const caller = token === undefined ? undefined : await app.findCaller(token);
  return caller !== undefined && isUsable(caller, app.clock.now()) ? caller : undefined;
}

/** The key in a request: Bearer, X-Api-Key, x-goog-api-key, then ?key=. */
function tokenOf({ headers, url }: Request): string | undefined {
  const authorization = headers.get("authorization");
  if (authorization !== null) {
    const match = /^bearer +(\S+)$/i.exec(authorization.trim());
    if (match?.[1]) return match[1];
  }
  return (
    headers.get("x-api-key")?.trim() ||
    headers.get("x-goog-api-key")?.trim() ||
    new URL(url, "http://host").searchParams.get("key")?.trim() ||
    undefined
  );
}

function isUsable({ key, account }: Caller, now: number): boolean {
  if (key.disabled || account.disabled) return false;
  return key.expiresAt === undefined || key.expiresAt > now;
}
