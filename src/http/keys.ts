import { type AnyElysia, Elysia } from "elysia";
import type { ApiKey, Caller } from "#src/account/account.ts";
import {
  createKey,
  deleteKey,
  getKey,
  hashOf,
  listKeys,
  pageTokenOf,
  mintSecret,
  updateKey,
} from "#src/account/keys.ts";
import { type AuditEntry, auditing } from "#src/account/people/audit.ts";
import { keyStandings } from "#src/account/carbon-budget.ts";
import { noUsage } from "#src/account/key-usage.ts";
import type { App } from "#src/gateway/context.ts";
import { type ForCaller, requireManagement } from "#src/http/account.ts";
import { addressOf, type Peers } from "#src/http/peer.ts";
import { readKeyChange, refuseOtherType } from "#src/http/key-change.ts";
import { integerOf } from "#src/http/query.ts";
import { json, readBody } from "#src/http/respond.ts";
import type { Services } from "#src/http/services.ts";
import { decode } from "#src/lib/bytes.ts";
import { AppError } from "#src/lib/error.ts";
import { keyRecord } from "#src/report/key-record.ts";

/** Management of an account's keys, with a management key. */
export function keyRoutes(
  app: App,
  { store, keys, keySpend, people }: Services,
  forCaller: ForCaller,
): AnyElysia {
  const records = async (found: readonly ApiKey[]) => {
    const [usages, carbon] = await Promise.all([
      keySpend.of(found.map(({ hash }) => hash)),
      keyStandings(store, found, app.clock.now()),
    ]);
    return found.map((key, at) =>
      keyRecord(key, { usages: usages[at] ?? noUsage, carbon: carbon[at] }),
    );
  };
  const record = async (key: ApiKey) => (await records([key]))[0];
  const missing = (hash: string) =>
    new AppError(
      "key_not_found",
      `Cannot find the key "${hash.slice(0, 80)}" in this account: GET /api/v1/keys lists them`,
    );
  const manage = (request: Request, handler: (caller: Caller, url: URL) => Promise<Response>) =>
    forCaller(request, (caller, url) => {
      requireManagement(caller);
      return handler(caller, url);
    });

  const noted = (
    { account, key }: Caller,
    address: string,
    entry: Pick<AuditEntry, "action" | "target" | "detail">,
  ) => [auditing(people, { ...entry, actor: key.hash, accountId: account.id, address })];

  const create = (request: Request, server: Peers | null) =>
    manage(request, async (caller) => {
      const { account, key: by } = caller;
      const { name, type, ...policy } = readKeyChange(await readJson(request, app), app.routes);
      if (name === undefined)
        throw new AppError(
          "missing_field",
          'The field "name" is missing: a name for the key is needed',
          { param: "name" },
        );
      const secret = mintSecret(type ?? "regular");
      const { key } = await createKey(
        store,
        app.clock,
        // What a management key makes belongs to who made that: it reaches no further, and ends with their role.
        { accountId: account.id, name, type, createdBy: by.createdBy, ...policy },
        secret,
        noted(caller, addressOf(request, server), {
          action: "key.created",
          target: hashOf(secret),
          detail: { name, type: type ?? "regular" },
        }),
      );
      return json(
        { data: await record(key), key: secret },
        { status: 201, headers: { "cache-control": "no-store" } },
      );
    });
  const list = (request: Request) =>
    manage(request, async ({ account }, { searchParams }) => {
      const pageSize = integerOf(searchParams, "page_size", 100, 1, 1000);
      const found = await listKeys(store, {
        accountId: account.id,
        includeDisabled: searchParams.get("include_disabled") === "true",
        pageSize: pageSize + 1,
        offset: integerOf(searchParams, "offset", 0, 0, 1_000_000),
        pageToken: searchParams.get("page_token") || undefined,
      });
      const page = found.slice(0, pageSize);
      const last = found.length > pageSize ? page.at(-1) : undefined;
      return json({ data: await records(page), next_page_token: last ? pageTokenOf(last) : null });
    });
  const get = (request: Request, hash: string) =>
    manage(request, async ({ account }) => {
      const key = await getKey(store, account.id, hash);
      if (key === undefined) throw missing(hash);
      return json({ data: await record(key) });
    });
  const update = (request: Request, server: Peers | null, hash: string) =>
    manage(request, async (caller) => {
      const { type, ...change } = readKeyChange(await readJson(request, app), app.routes);
      if (type !== undefined) {
        const before = await getKey(store, caller.account.id, hash);
        if (before === undefined) throw missing(hash);
        refuseOtherType(type, before);
      }
      const beside = noted(caller, addressOf(request, server), {
        action: "key.changed",
        target: hash,
        detail: { changed: Object.keys(change).join(", ") },
      });
      const key = await updateKey(store, app.clock, caller.account.id, hash, change, beside);
      if (key === undefined) throw missing(hash);
      keys.invalidate(hash);
      app.allowances.refresh(hash);
      return json({ data: await record(key) });
    });
  const remove = (request: Request, server: Peers | null, hash: string) =>
    manage(request, async (caller) => {
      const { id } = caller.account;
      const name = (await getKey(store, id, hash))?.name ?? "";
      const beside = noted(caller, addressOf(request, server), {
        action: "key.deleted",
        target: hash,
        detail: { name },
      });
      if (!(await deleteKey(store, app.clock, id, hash, beside))) throw missing(hash);
      keySpend.forget(hash);
      keys.invalidate(hash);
      return json({ data: { deleted: true } });
    });

  const both = (base: "/v1" | "/api/v1"): AnyElysia =>
    new Elysia({ prefix: base })
      .post("/keys", ({ request, server }) => create(request, server), { parse: "none" })
      .get("/keys", ({ request }) => list(request))
      .get("/keys/:hash", ({ request, params }) => get(request, params.hash))
      .patch("/keys/:hash", ({ request, server, params }) => update(request, server, params.hash), {
        parse: "none",
      })
      .delete(
        "/keys/:hash",
        ({ request, server, params }) => remove(request, server, params.hash),
        {
          parse: "none",
        },
      );
  return new Elysia({ name: "keys" }).use(both("/v1")).use(both("/api/v1"));
}

/** A body as JSON. Throws `invalid_json`, which quotes none of it. */
export async function readJson(request: Request, app: App): Promise<unknown> {
  const body = await readBody(request, app.config.limits.maxBodyBytes);
  try {
    return JSON.parse(decode(body));
  } catch {
    // The parser's own message quotes the body.
    throw new AppError("invalid_json", "Cannot parse the body as JSON");
  }
}
