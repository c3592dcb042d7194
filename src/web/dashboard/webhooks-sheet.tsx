import { deliveryRecord, webhookRecord } from "#src/http/webhooks.ts";
import { rfc3339 } from "#src/lib/clock.ts";
import { formAt, pageAt } from "#src/web/dashboard/key-text.ts";
import type { Guest } from "#src/web/dashboard/room.ts";
import {
  stateOfDelivery,
  stateOfWebhook,
  tryWords,
  webhooksPath,
} from "#src/web/dashboard/webhooks-text.ts";
import { Act, Moment } from "#src/web/people/form.tsx";
import type { Sheet } from "#src/web/sheet.tsx";
import type { Delivery } from "#src/webhook/deliveries.ts";
import type { Webhook } from "#src/webhook/webhook.ts";

/** Webhooks as a page, JSON and CSV. Members are those of the API. */
export function webhooksSheet(webhooks: readonly Webhook[], guest: Guest): Sheet<Webhook> {
  return {
    name: "webhooks",
    rows: webhooks,
    columns: [
      {
        name: "name",
        title: "Name",
        value: ({ name }) => name,
        show: ({ id, name }) => <a href={pageAt(guest, `${webhooksPath}/${id}`)}>{name}</a>,
      },
      { name: "id", value: ({ id }) => id },
      { name: "url", title: "Address", kind: "long", value: ({ url }) => url },
      {
        name: "event_types",
        title: "Events",
        kind: "list",
        value: (one) => one.eventTypes,
        show: (one) => (one.eventTypes.length === 0 ? "all" : one.eventTypes.join(", ")),
      },
      { name: "api_key_hashes", value: (one) => one.apiKeyHashes },
      { name: "disabled", value: ({ disabled }) => disabled },
      {
        name: "failures",
        title: "State",
        value: ({ failures }) => failures,
        show: (one) => stateOfWebhook(one),
      },
      {
        name: "created_at",
        title: "Made",
        kind: "short",
        value: (one) => webhookRecord(one).created_at,
        show: ({ createdAt }) => <Moment at={createdAt} why="" />,
      },
    ],
  };
}

/** Deliveries as a page, JSON and CSV. */
export function deliveriesSheet(
  deliveries: readonly Delivery[],
  guest: Guest,
  { id: webhookId, disabled }: Webhook,
): Sheet<Delivery> {
  const action = formAt(guest, `${webhooksPath}/${webhookId}/replay`);
  return {
    name: "deliveries",
    rows: deliveries,
    columns: [
      {
        name: "type",
        title: "Event",
        value: ({ type }) => type,
        show: ({ type, eventId }) => (
          <>
            {type}
            <br />
            <code class="small soft">{eventId}</code>
          </>
        ),
      },
      { name: "id", value: ({ id }) => id },
      { name: "event_id", value: ({ eventId }) => eventId },
      {
        name: "created_at",
        title: "Happened",
        kind: "short",
        value: ({ createdAt }) => rfc3339(createdAt),
        show: ({ createdAt }) => <Moment at={createdAt} why="" />,
      },
      {
        name: "state",
        title: "State",
        value: ({ state }) => state,
        show: (one) => stateOfDelivery(one),
      },
      { name: "attempts", value: ({ attempts }) => attempts },
      {
        name: "tries",
        title: "Tries",
        kind: "list",
        value: ({ tries }) => tries.map((one) => `${rfc3339(one.at)} ${tryWords(one)}`),
        show: ({ tries }) =>
          tries.length === 0 ? (
            "none yet"
          ) : (
            <ol>
              {tries.map((one) => (
                <li>
                  <Moment at={one.at} why="" />
                  {`: ${tryWords(one)}`}
                </li>
              ))}
            </ol>
          ),
      },
      {
        name: "next_at",
        title: "Next try",
        kind: "short",
        why: ({ state }) => (state === "delivered" ? "It arrived" : "It was given up"),
        value: (one) => deliveryRecord(one).next_at,
        show: ({ nextAt }) => <Moment at={nextAt} why="" />,
      },
      {
        name: "payload",
        title: "Again",
        value: ({ payload }) => payload,
        show: ({ id, eventId }) =>
          disabled ? (
            "disabled"
          ) : (
            <Act action={action} name="delivery" value={id} button="Replay" about={eventId} />
          ),
      },
    ],
  };
}
