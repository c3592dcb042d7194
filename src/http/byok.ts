import { type AnyElysia, Elysia } from "elysia";
import type { Caller } from "#src/account/account.ts";
import type { ProviderKey } from "#src/account/provider-key.ts";
import { getProviderKey, listProviderKeys } from "#src/account/provider-keys.ts";
import type { App } from "#src/gateway/context.ts";
import { type ForCaller, requireManagement } from "#src/http/account.ts";
import { addressOf, type Peers } from "#src/http/peer.ts";
import { ownKeys } from "#src/http/own-keys.ts";
import { json, readBody } from "#src/http/respond.ts";
import type { Services } from "#src/http/services.ts";
import { decode } from "#src/lib/bytes.ts";
import { AppError } from "#src/lib/error.ts";
import { providerKeyRecord } from "#src/report/provider-key-record.ts";

/** A secret of the longest, its escapes, and all that may stand beside it. */
const longestBody = 65_536;

/** An account's own credentials of providers, with a management key. No answer and no error holds a secret. */
export function byokRoutes(app: App, services: Services, forCaller: ForCaller): AnyElysia {
  const { store } = services;
  const own = ownKeys(app, services);
  const manage = (request: Request, handler: (caller: Caller) => Promise<Response>) =>
    forCaller(request, (caller) => {
      requireManagement(caller);
      return handler(caller);
    });
  const mine = ({ account }: Caller) => ({ accountId: account.id });
  const by = ({ account, key }: Caller, request: Request, server: Peers | null) => ({
    accountId: account.id,
    actor: key.hash,
    address: addressOf(request, server),
  });
  const shown = (key: ProviderKey | undefined) => {
    if (key === undefined) throw missing();
    return json({ data: providerKeyRecord(key) });
  };
  const missing = () =>
    new AppError(
      "not_found",
      "Cannot find this provider key in this account: GET /api/v1/byok lists them",
      { param: "id" },
    );

  const create = (request: Request, server: Peers | null) =>
    manage(request, async (caller) => {
      const key = await own.add(by(caller, request, server), await readJson(request));
      return json({ data: providerKeyRecord(key) }, { status: 201 });
    });
  const list = (request: Request) =>
    manage(request, async (caller) =>
      json({ data: (await listProviderKeys(store, mine(caller))).map(providerKeyRecord) }),
    );
  const get = (request: Request, id: string) =>
    manage(request, async (caller) => shown(await getProviderKey(store, id, mine(caller))));
  const update = (request: Request, server: Peers | null, id: string) =>
    manage(request, async (caller) =>
      shown(await own.change(by(caller, request, server), id, await readJson(request))),
    );
  const remove = (request: Request, server: Peers | null, id: string) =>
    manage(request, async (caller) => {
      if (!(await own.remove(by(caller, request, server), id))) throw missing();
      return json({ data: { deleted: true } });
    });

  const both = (base: "/v1" | "/api/v1"): AnyElysia =>
    new Elysia({ prefix: base })
      .post("/byok", ({ request, server }) => create(request, server), { parse: "none" })
      .get("/byok", ({ request }) => list(request))
      .get("/byok/:id", ({ request, params }) => get(request, params.id))
      .patch("/byok/:id", ({ request, server, params }) => update(request, server, params.id), {
        parse: "none",
      })
      .delete("/byok/:id", ({ request, server, params }) => remove(request, server, params.id), {
        parse: "none",
      });
  return new Elysia({ name: "byok" }).use(both("/v1")).use(both("/api/v1"));
}

async function readJson(request: Request): Promise<unknown> {
  const body = await readBody(request, longestBody);
  try {
    return JSON.parse(decode(body));
  } catch {
    // The parser's own message quotes the body.
    throw new AppError("invalid_json", "Cannot parse the body as JSON");
  }
}
