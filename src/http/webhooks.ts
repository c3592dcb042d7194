import { type AnyElysia, Elysia } from "elysia";
import type { Caller } from "#src/account/account.ts";
import type { App } from "#src/gateway/context.ts";
import { type ForCaller, requireManagement } from "#src/http/account.ts";
import { addressOf, type Peers } from "#src/http/peer.ts";
import { integerOf } from "#src/http/query.ts";
import { json, readBody } from "#src/http/respond.ts";
import type { Services } from "#src/http/services.ts";
import { readWebhookChange, wholeWebhook } from "#src/http/webhooks-change.ts";
import { decode } from "#src/lib/bytes.ts";
import { rfc3339 } from "#src/lib/clock.ts";
import { AppError } from "#src/lib/error.ts";
import { type Delivery, listDeliveries } from "#src/webhook/deliveries.ts";
import { replay, sendTest } from "#src/webhook/replay.ts";
import type { Webhook } from "#src/webhook/webhook.ts";
import {
  createWebhook,
  getWebhook,
  listWebhooks,
  removeWebhook,
  rotateSecret,
  updateWebhook,
} from "#src/webhook/webhooks.ts";

const longestBody = 65_536;

/** An account's webhooks, with a management key. */
export function webhookRoutes(_app: App, services: Services, forCaller: ForCaller): AnyElysia {
  const { kit, events, queue } = services.webhooks;
  const { store } = kit;
  const manage = (request: Request, handler: (caller: Caller, url: URL) => Promise<Response>) =>
    forCaller(request, (caller, url) => {
      requireManagement(caller);
      return handler(caller, url);
    });
  const mine = ({ account }: Caller) => ({ accountId: account.id });
  const by = ({ key }: Caller, request: Request, server: Peers | null) => ({
    actor: key.hash,
    address: addressOf(request, server),
  });
  async function found(caller: Caller, id: string): Promise<Webhook> {
    return (await getWebhook(store, id, mine(caller))) ?? missing("webhook", "/api/v1/webhooks");
  }

  const create = (request: Request, server: Peers | null) =>
    manage(request, async (caller) => {
      const policy = wholeWebhook(readWebhookChange(await readJson(request)));
      const { webhook, secret } = await createWebhook(
        kit,
        mine(caller),
        policy,
        by(caller, request, server),
      );
      await events.refresh();
      return json(
        { endpoint: webhookRecord(webhook), secret },
        { status: 201, headers: { "cache-control": "no-store" } },
      );
    });
  const list = (request: Request) =>
    manage(request, async (caller) =>
      json({ data: (await listWebhooks(store, mine(caller))).map(webhookRecord) }),
    );
  const get = (request: Request, id: string) =>
    manage(request, async (caller) => json({ data: webhookRecord(await found(caller, id)) }));
  const update = (request: Request, server: Peers | null, id: string) =>
    manage(request, async (caller) => {
      const change = readWebhookChange(await readJson(request));
      const webhook = await updateWebhook(
        kit,
        id,
        mine(caller),
        change,
        by(caller, request, server),
      );
      if (webhook === undefined) return missing("webhook", "/api/v1/webhooks");
      await events.refresh();
      queue.wake();
      return json({ data: webhookRecord(webhook) });
    });
  const remove = (request: Request, server: Peers | null, id: string) =>
    manage(request, async (caller) => {
      if (!(await removeWebhook(kit, id, mine(caller), by(caller, request, server))))
        return missing("webhook", "/api/v1/webhooks");
      await events.refresh();
      return json({ data: { deleted: true } });
    });
  const rotate = (request: Request, server: Peers | null, id: string) =>
    manage(request, async (caller) => {
      const rotated = await rotateSecret(kit, id, mine(caller), by(caller, request, server));
      if (rotated === undefined) return missing("webhook", "/api/v1/webhooks");
      return json(
        { endpoint: webhookRecord(rotated.webhook), secret: rotated.secret },
        { headers: { "cache-control": "no-store" } },
      );
    });
  const test = (request: Request, server: Peers | null, id: string) =>
    manage(request, async (caller) =>
      json({
        data: deliveryRecord(
          await sendTest(kit, queue, await found(caller, id), by(caller, request, server)),
        ),
      }),
    );
  const deliveries = (request: Request, id: string) =>
    manage(request, async (caller, { searchParams }) => {
      const webhook = await found(caller, id);
      const page = await listDeliveries(store, webhook.id, {
        pageSize: integerOf(searchParams, "page_size", 50, 1, 1000),
        pageToken: searchParams.get("page_token") || undefined,
      });
      return json({
        data: page.items.map(deliveryRecord),
        next_page_token: page.nextPageToken ?? null,
      });
    });
  const again = (request: Request, server: Peers | null, id: string, deliveryId: string) =>
    manage(request, async (caller) => {
      const webhook = await found(caller, id);
      const delivery = await replay(kit, queue, webhook, deliveryId, by(caller, request, server));
      if (delivery === undefined)
        return missing("delivery", `/api/v1/webhooks/${webhook.id}/deliveries`);
      return json({ data: deliveryRecord(delivery) }, { status: 201 });
    });

  const both = (base: "/v1" | "/api/v1"): AnyElysia =>
    new Elysia({ prefix: base })
      .post("/webhooks", ({ request, server }) => create(request, server), { parse: "none" })
      .get("/webhooks", ({ request }) => list(request))
      .get("/webhooks/:id", ({ request, params }) => get(request, params.id))
      .patch("/webhooks/:id", ({ request, server, params }) => update(request, server, params.id), {
        parse: "none",
      })
      .delete(
        "/webhooks/:id",
        ({ request, server, params }) => remove(request, server, params.id),
        {
          parse: "none",
        },
      )
      .post(
        "/webhooks/:id/rotate-secret",
        ({ request, server, params }) => rotate(request, server, params.id),
        {
          parse: "none",
        },
      )
      .post(
        "/webhooks/:id/test",
        ({ request, server, params }) => test(request, server, params.id),
        {
          parse: "none",
        },
      )
      .get("/webhooks/:id/deliveries", ({ request, params }) => deliveries(request, params.id))
      .post(
        "/webhooks/:id/deliveries/:delivery/replay",
        ({ request, server, params }) => again(request, server, params.id, params.delivery),
        { parse: "none" },
      );
  return new Elysia({ name: "webhooks" }).use(both("/v1")).use(both("/api/v1"));
}

/** A webhook as the API shows it. No record holds a secret. */
export function webhookRecord(webhook: Webhook) {
  const { id, name, url, eventTypes, apiKeyHashes, disabled, failures, createdAt } = webhook;
  return {
    id,
    name,
    url,
    event_types: eventTypes,
    api_key_hashes: apiKeyHashes,
    disabled,
    failures,
    created_at: rfc3339(createdAt),
    updated_at: webhook.updatedAt === undefined ? null : rfc3339(webhook.updatedAt),
  };
}

/** A delivery as the API shows it, with what is sent. */
export function deliveryRecord(delivery: Delivery) {
  const { id, eventId, type, state, attempts, nextAt, tries, createdAt, deliveredAt } = delivery;
  return {
    id,
    event_id: eventId,
    type,
    state,
    attempts,
    next_at: state === "waiting" ? rfc3339(nextAt) : null,
    tries: tries.map(({ at, status, reason, wait, ms }) => ({
      at: rfc3339(at),
      status: status ?? null,
      reason: reason ?? null,
      retry_after_s: wait ?? null,
      ms,
    })),
    created_at: rfc3339(createdAt),
    delivered_at: deliveredAt === undefined ? null : rfc3339(deliveredAt),
    payload: JSON.parse(delivery.payload),
  };
}

function missing(what: "webhook" | "delivery", where: string): never {
  throw new AppError(
    "not_found",
    `Cannot find this ${what} in this account: GET ${where} lists them`,
    { param: what === "webhook" ? "id" : "delivery" },
  );
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
