import { type AnyElysia, Elysia } from "elysia";
import type { Caller } from "#src/account/account.ts";
import { keyStandings } from "#src/account/carbon-budget.ts";
import { noUsage } from "#src/account/key-usage.ts";
import { authenticate } from "#src/gateway/authenticate.ts";
import type { App } from "#src/gateway/context.ts";
import { settingsRoutes } from "#src/http/account-settings.ts";
import { activityRoutes } from "#src/http/activity.ts";
import { byokRoutes } from "#src/http/byok.ts";
import { keyRoutes } from "#src/http/keys.ts";
import { integerOf } from "#src/http/query.ts";
import { json, respond, writeJsonError } from "#src/http/respond.ts";
import type { Services } from "#src/http/services.ts";
import { findRequest, uncountedHeader } from "#src/http/unsent.ts";
import { statementRoutes } from "#src/http/statements.ts";
import { webhookRoutes } from "#src/http/webhooks.ts";
import { whatIfRoutes } from "#src/http/what-if.ts";
import { toCredits, toUnits } from "#src/ledger/money.ts";
import { balanceOf, listTransactions } from "#src/ledger/transactions.ts";
import { rfc3339 } from "#src/lib/clock.ts";
import { AppError } from "#src/lib/error.ts";
import { explainGeneration, gridVersionOf } from "#src/report/explain-generation.ts";
import { generationRecord } from "#src/report/generation-record.ts";
import { selfRecord } from "#src/report/key-record.ts";

/** Runs a handler for a caller. */
export type ForCaller = (
  request: Request,
  handler: (caller: Caller, url: URL) => Promise<Response>,
) => Promise<Response>;

/** What an account may know of itself: its requests, money, keys and usage. */
export function accountRoutes(app: App, services: Services): AnyElysia {
  const { store, tables } = services;
  const forOne: ForCaller = (request, handler) =>
    respond(request, app, writeJsonError, async () => {
      const url = new URL(request.url);
      const caller = await authenticate(request, app);
      return handler(caller, url);
    });
  const forCaller: ForCaller = (request, handler) =>
    forOne(request, async (caller, url) => {
      const { unsent } = services;
      if (unsent === undefined || request.method !== "GET") return handler(caller, url);
      // Before anything is read: what is sent meanwhile is counted, and said not to be.
      const count = await unsent.count({ accountId: caller.account.id });
      const response = await handler(caller, url);
      if (count > 0) response.headers.set(uncountedHeader, String(count));
      return response;
    });

  async function found(caller: Caller, id: string) {
    const { account } = caller;
    const request = id === "" ? undefined : await findRequest(services, account.id, id);
    if (request) return request;
    throw new AppError(
      "generation_not_found",
      `Cannot find the generation "${id.slice(0, 80)}" of this account: give its gen_… id, or the id of the completion`,
    );
  }
  const generation = (request: Request, id: string | undefined) =>
    forOne(request, async (caller, url) => {
      const { row, waits } = await found(caller, id ?? url.searchParams.get("id") ?? "");
      return json({ ...generationRecord(row), ...(waits ? { waits_for_database: true } : {}) });
    });
  const eco = (request: Request, id: string) =>
    forOne(request, async (caller) => {
      const { row } = await found(caller, id);
      const grid = services.gridOf(
        row.provider ?? "",
        row.region ?? "",
        gridVersionOf(row, app.config.eco.methodology),
      );
      return json(explainGeneration(row, tables, grid, app.config.eco.methodology));
    });
  const self = (request: Request) =>
    forCaller(request, async ({ key }) => {
      const [[usages = noUsage], [carbon]] = await Promise.all([
        services.keySpend.of([key.hash]),
        keyStandings(store, [key], app.clock.now()),
      ]);
      const perMinute =
        key.rateLimit.requestsPerMinute ?? (app.config.limits.requestsPerMinute || undefined);
      return json({ data: selfRecord(key, { usages, carbon }, perMinute) });
    });
  const balance = (request: Request) =>
    forCaller(request, async ({ account }) => {
      const { balance: left } = await balanceOf(store, account.id);
      return json({
        balance: toUnits(left),
        currency: app.config.billing.currency,
        credits: toCredits(left),
      });
    });
  const transactions = (request: Request) =>
    forCaller(request, async ({ account }, { searchParams }) => {
      const pageSize = integerOf(searchParams, "page_size", 50, 1, 1000);
      const page = await listTransactions(store, account.id, {
        pageSize,
        pageToken: searchParams.get("page_token") || undefined,
      });
      return json({
        transactions: page.items.map((item) => ({
          id: item.id,
          type: item.type,
          amount: toUnits(item.amount),
          description: item.description,
          created_at: rfc3339(item.createdAt),
          ...(item.generationId === undefined ? {} : { generation_id: item.generationId }),
        })),
        next_page_token: page.nextPageToken ?? null,
      });
    });
  const credits = (request: Request) =>
    forCaller(request, async ({ account }) => {
      const { granted, used } = await balanceOf(store, account.id);
      return json({ data: { total_credits: toCredits(granted), total_usage: toCredits(used) } });
    });

  const both = (base: "/v1" | "/api/v1"): AnyElysia =>
    new Elysia({ prefix: base })
      .get("/generation", ({ request }) => generation(request, undefined))
      .get("/generation/:id", ({ request, params }) => generation(request, params.id))
      .get("/generation/:id/eco", ({ request, params }) => eco(request, params.id))
      .get("/key", ({ request }) => self(request))
      .get("/balance", ({ request }) => balance(request))
      .get("/transactions", ({ request }) => transactions(request))
      .get("/credits", ({ request }) => credits(request));
  return new Elysia({ name: "account" })
    .use(both("/v1"))
    .use(both("/api/v1"))
    .use(keyRoutes(app, services, forCaller))
    .use(settingsRoutes(app, services, forCaller))
    .use(byokRoutes(app, services, forCaller))
    .use(webhookRoutes(app, services, forCaller))
    .use(activityRoutes(app, services, forCaller))
    .use(statementRoutes(app, services, forCaller))
    .use(whatIfRoutes(app, services, forCaller));
}

/** Throws `wrong_key_type` unless the caller holds a management key. */
export function requireManagement({ key }: Caller): void {
  if (key.type === "management") return;
  throw new AppError(
    "wrong_key_type",
    "Cannot manage an account with an API key: use a management key (lr_mgmt_…)",
  );
}
