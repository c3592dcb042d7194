import type { AnyElysia } from "elysia";
import { listKeys } from "#src/account/keys.ts";
import { readWebhookChange, wholeWebhook } from "#src/http/webhooks-change.ts";
import { AppError } from "#src/lib/error.ts";
import { pageAt } from "#src/web/dashboard/key-text.ts";
import { createRoom, type Guest, type Outcome } from "#src/web/dashboard/room.ts";
import {
  type KeyChoice,
  WebhookPage,
  WebhookSecretPage,
  WebhooksPage,
} from "#src/web/dashboard/webhooks-page.tsx";
import { deliveriesSheet, webhooksSheet } from "#src/web/dashboard/webhooks-sheet.tsx";
import { tryWords, webhookBodyOf, webhooksPath as path } from "#src/web/dashboard/webhooks-text.ts";
import type { Desk } from "#src/web/people/desk.ts";
import { field, seeOther } from "#src/web/people/respond.ts";
import { page } from "#src/web/respond.ts";
import { sheetAnswer } from "#src/web/sheet.tsx";
import { listDeliveries } from "#src/webhook/deliveries.ts";
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

const ofOne = `${path}/:id`;
const pageSize = 25;
const mostRows = 1000;
/** API keys to choose from on a page. */
const mostKeys = 100;

/** An account's webhooks, for its admins. */
export function webhooksRoom(desk: Desk): AnyElysia {
  const { services } = desk;
  const { kit, events, queue } = services.webhooks;
  const { store } = kit;

  const mine = ({ visitor }: Guest) => ({ accountId: visitor.account.id });
  const by = ({ visitor, knock }: Guest) => ({
    actor: visitor.person.id,
    address: knock.address,
  });
  const missing = () =>
    new AppError("not_found", "Cannot find this webhook: /dashboard/webhooks lists yours");
  const found = async (guest: Guest): Promise<Webhook> => {
    const webhook = await getWebhook(store, guest.params["id"] ?? "", mine(guest));
    if (webhook === undefined) throw missing();
    return webhook;
  };

  /** Chosen keys are offered whatever became of them: with none, all count. */
  async function keys(guest: Guest, chosen: readonly string[]): Promise<KeyChoice[]> {
    const listed = await listKeys(store, {
      accountId: guest.visitor.account.id,
      includeDisabled: false,
      pageSize: mostKeys,
    });
    const others = chosen.filter((hash) => !listed.some((key) => key.hash === hash));
    return [
      ...listed.filter(({ type }) => type === "regular"),
      ...others.map((hash) => ({
        hash,
        name: "another key",
        label: `${hash.slice(0, 12)}…`,
      })),
    ];
  }

  async function list(guest: Guest, outcome: Outcome): Promise<Response> {
    const sheet = webhooksSheet(await listWebhooks(store, mine(guest)), guest);
    return (
      sheetAnswer(sheet, guest.url.searchParams) ??
      page(
        <WebhooksPage
          guest={guest}
          outcome={outcome}
          sheet={sheet}
          apiKeys={await keys(guest, [])}
        />,
        { status: outcome.status ?? 200, personal: true },
      )
    );
  }

  async function one(guest: Guest, outcome: Outcome): Promise<Response> {
    const webhook = await found(guest);
    const { searchParams } = guest.url;
    const { items, nextPageToken } = await listDeliveries(store, webhook.id, {
      pageSize: searchParams.has("format") ? mostRows : pageSize,
      pageToken: searchParams.get("after") ?? undefined,
    });
    const deliveries = deliveriesSheet(items, guest, webhook);
    return (
      sheetAnswer(deliveries, searchParams) ??
      page(
        <WebhookPage
          guest={guest}
          outcome={outcome}
          webhook={webhook}
          deliveries={deliveries}
          next={nextPageToken}
          apiKeys={await keys(guest, webhook.apiKeyHashes)}
        />,
        { status: outcome.status ?? 200, personal: true },
      )
    );
  }

  /** After a form that holds no settings: they are shown as they are. */
  const aside = (guest: Guest, { form: _, ...outcome }: Outcome) => one(guest, outcome);

  const words = {
    changed: "The webhook is changed",
    disabled: "The webhook is disabled: nothing is sent",
    enabled: "The webhook is enabled",
    deleted: "The webhook is deleted",
    replayed: "The event is on its way again",
    tested: "The test event arrived",
  };
  return createRoom(desk, "webhooks", "admin", words)
    .get(path, list)
    .post(
      path,
      async (sender) => {
        const policy = wholeWebhook(readWebhookChange(webhookBodyOf(sender.form)));
        const made = await createWebhook(kit, mine(sender), policy, by(sender));
        await events.refresh();
        return page(<WebhookSecretPage guest={sender} title="The webhook is made" {...made} />, {
          status: 201,
          personal: true,
        });
      },
      list,
    )
    .get(ofOne, one)
    .post(
      ofOne,
      async (sender) => {
        const { id } = await found(sender);
        const change = readWebhookChange(webhookBodyOf(sender.form));
        await changed(sender, id, change);
        return seeOther(pageAt(sender, `${path}/${id}`, { done: "changed" }));
      },
      one,
    )
    .post(
      `${ofOne}/switch`,
      async (sender) => {
        const { id } = await found(sender);
        const disabled = field(sender.form, "disabled") !== "false";
        await changed(sender, id, { disabled });
        const done = disabled ? "disabled" : "enabled";
        return seeOther(pageAt(sender, `${path}/${id}`, { done }));
      },
      aside,
    )
    .post(
      `${ofOne}/rotate-secret`,
      async (sender) => {
        const { id } = await found(sender);
        const rotated = await rotateSecret(kit, id, mine(sender), by(sender));
        if (rotated === undefined) throw missing();
        return page(<WebhookSecretPage guest={sender} title="The new secret" {...rotated} />, {
          personal: true,
        });
      },
      aside,
    )
    .post(
      `${ofOne}/test`,
      async (sender) => {
        const webhook = await found(sender);
        const { state, tries } = await sendTest(kit, queue, webhook, by(sender));
        const [last] = tries;
        if (state !== "delivered")
          throw new AppError(
            "invalid_value",
            `Cannot deliver the test event: ${last === undefined ? "the gateway is shutting down" : tryWords(last)}`,
          );
        const done = `${path}/${webhook.id}`;
        return seeOther(pageAt(sender, done, { done: "tested" }));
      },
      aside,
    )
    .post(
      `${ofOne}/replay`,
      async (sender) => {
        const webhook = await found(sender);
        const id = field(sender.form, "delivery");
        if ((await replay(kit, queue, webhook, id, by(sender))) === undefined)
          throw new AppError("not_found", "Cannot find this delivery: it may be forgotten by now");
        return seeOther(pageAt(sender, `${path}/${webhook.id}`, { done: "replayed" }));
      },
      aside,
    )
    .post(
      `${ofOne}/delete`,
      async (sender) => {
        const webhook = await found(sender);
        if (field(sender.form, "confirm") !== webhook.name)
          throw new AppError("invalid_value", "Cannot delete the webhook: type its name to do so", {
            param: "confirm",
          });
        await removeWebhook(kit, webhook.id, mine(sender), by(sender));
        await events.refresh();
        return seeOther(pageAt(sender, path, { done: "deleted" }));
      },
      aside,
    ).routes;

  async function changed(
    guest: Guest,
    id: string,
    change: Parameters<typeof updateWebhook>[3],
  ): Promise<void> {
    if ((await updateWebhook(kit, id, mine(guest), change, by(guest))) === undefined)
      throw missing();
    await events.refresh();
    queue.wake();
  }
}
