import type { ApiKey } from "#src/account/account.ts";
import { CopyButton } from "#src/web/ask-line.tsx";
import { copyTextScript } from "#src/web/assets.ts";
import { Desktop } from "#src/web/dashboard/frame.tsx";
import { Check, type Filling, fillingOf, Group, TextLine } from "#src/web/dashboard/key-lines.tsx";
import { formAt, pageAt } from "#src/web/dashboard/key-text.ts";
import type { Guest, Outcome } from "#src/web/dashboard/room.ts";
import {
  eventWords,
  stateOfWebhook,
  webhookFields,
  webhooksPath,
} from "#src/web/dashboard/webhooks-text.ts";
import { Table } from "#src/web/layout.tsx";
import { Act, Line, Moment, Sheet as Form } from "#src/web/people/form.tsx";
import { Formats, type Sheet, SheetTable } from "#src/web/sheet.tsx";
import type { Delivery } from "#src/webhook/deliveries.ts";
import { eventTypes, type Webhook } from "#src/webhook/webhook.ts";

/** Keys to choose from, by what a page shows of them. */
export type KeyChoice = Pick<ApiKey, "hash" | "name" | "label">;

/** An account's webhooks, and the form for another. */
export function WebhooksPage(props: {
  guest: Guest;
  outcome: Outcome;
  sheet: Sheet<Webhook>;
  apiKeys: readonly KeyChoice[];
}) {
  const { guest, outcome, sheet, apiKeys } = props;
  return (
    <Desktop
      guest={guest}
      title="Webhooks"
      lead="The gateway posts an event to an address of yours when something happens. No event holds a prompt or an answer."
      outcome={outcome}
    >
      {sheet.rows.length === 0 ? (
        <p class="notice">There is no webhook yet.</p>
      ) : (
        <SheetTable caption="Webhooks, oldest first" sheet={sheet} />
      )}
      <Formats path={webhooksPath} query={accountOf(guest)} />
      <h2 id="new">Add a webhook</h2>
      <Form action={formAt(guest, webhooksPath)} button="Add the webhook">
        <Fields fill={fillingOf(outcome)} apiKeys={apiKeys} />
      </Form>
      <h2 id="events">What each event carries</h2>
      <Events />
      <p>
        Events are signed by the rules of Standard Webhooks, tried again for about a day and a half,
        and arrive at least once: <a href="/docs/api/webhooks">signatures, retries and the API</a>
      </p>
    </Desktop>
  );
}

/** One webhook: its settings, and what was sent last. */
export function WebhookPage(props: {
  guest: Guest;
  outcome: Outcome;
  webhook: Webhook;
  deliveries: Sheet<Delivery>;
  next: string | undefined;
  apiKeys: readonly KeyChoice[];
}) {
  const { guest, outcome, webhook, deliveries, next, apiKeys } = props;
  const here = `${webhooksPath}/${webhook.id}`;
  return (
    <Desktop guest={guest} title={webhook.name} outcome={outcome}>
      <p class="crumbs">
        <a href={pageAt(guest, webhooksPath)}>Webhooks</a>
      </p>
      <Facts webhook={webhook} />
      <div class="buttons">
        <Act
          action={formAt(guest, `${here}/test`)}
          name="test"
          value="1"
          button="Send a test"
          about="event"
        />
        <Act
          action={formAt(guest, `${here}/switch`)}
          name="disabled"
          value={webhook.disabled ? "false" : "true"}
          button={webhook.disabled ? "Enable" : "Disable"}
          about="this webhook"
        />
      </div>
      <h2 id="deliveries">Deliveries</h2>
      {deliveries.rows.length === 0 ? (
        <p class="notice">Nothing was sent in the last 30 days.</p>
      ) : (
        <SheetTable caption="The last deliveries, newest first; times are UTC" sheet={deliveries} />
      )}
      {next === undefined ? null : (
        <p>
          <a href={`${pageAt(guest, here, { after: next })}#deliveries`}>Older deliveries</a>
        </p>
      )}
      <Formats path={here} query={accountOf(guest)} />
      <h2 id="settings">Settings</h2>
      <Form action={formAt(guest, here)} button="Change the webhook">
        <Fields fill={fillingOf(outcome, webhookFields(webhook))} apiKeys={apiKeys} />
      </Form>
      <h2 id="secret">Secret</h2>
      <p>A new secret is shown once. The one before signs too for 24 hours.</p>
      <Form action={formAt(guest, `${here}/rotate-secret`)} button="Make a new secret" />
      <h2 id="delete">Delete</h2>
      <p>What waits for it is not sent any more. This cannot be undone; to stop it, disable it.</p>
      <Form action={formAt(guest, `${here}/delete`)} button="Delete for good" danger>
        <Line
          part="delete-"
          name="confirm"
          label={`To delete it, type its name: ${webhook.name}`}
          auto="off"
          most={100}
        />
      </Form>
    </Desktop>
  );
}

/** The answer that shows a secret, and the only one. */
export function WebhookSecretPage(props: {
  guest: Guest;
  title: string;
  webhook: Webhook;
  secret: string;
}) {
  const { guest, title, webhook, secret } = props;
  return (
    <Desktop guest={guest} title={title} lead={webhook.name}>
      <p class="notice" role="status">
        Copy the secret now: no page shows it again. With it you know that an event is ours.
      </p>
      <p class="secret">
        <code id="secret">{secret}</code>
      </p>
      <CopyButton of="secret" what="Copy the secret" />
      <p>
        <a href={pageAt(guest, `${webhooksPath}/${webhook.id}`)}>This webhook's page</a>,{" "}
        <a href="/docs/api/webhooks#signature">how to verify an event</a>
      </p>
      <script src={copyTextScript.path} defer></script>
    </Desktop>
  );
}

function Fields({ fill, apiKeys }: { fill: Filling; apiKeys: readonly KeyChoice[] }) {
  return (
    <>
      <TextLine fill={fill} name="name" label="Name" most={100} required />
      <TextLine
        fill={fill}
        name="url"
        label="Address"
        mode="url"
        most={2000}
        required
        hint="As https://host/path, in the public internet."
      />
      <Group title="Events">
        <p class="small soft">None chosen: all but those of providers.</p>
        {eventTypes.map((type) => (
          <Check fill={fill} name="event_types" value={type} label={type} />
        ))}
      </Group>
      {apiKeys.length === 0 ? null : (
        <Group title="Of events about a key">
          <p class="small soft">Only those of these keys; none chosen: of all.</p>
          {apiKeys.map((key) => (
            <Check
              fill={fill}
              name="api_key_hashes"
              value={key.hash}
              label={`${key.name} (${key.label})`}
            />
          ))}
        </Group>
      )}
    </>
  );
}

function Events() {
  return (
    <Table
      caption="Events, when they are sent, and what they carry"
      head={
        <tr>
          <th scope="col">Event</th>
          <th scope="col">When</th>
          <th scope="col">Carries</th>
        </tr>
      }
    >
      {eventTypes.map((type) => (
        <tr>
          <th scope="row">{type}</th>
          <td class="list">{eventWords[type].when}</td>
          <td class="list">{eventWords[type].carries}</td>
        </tr>
      ))}
    </Table>
  );
}

function Facts({ webhook }: { webhook: Webhook }) {
  return (
    <dl class="facts">
      <dt>State</dt>
      <dd>{stateOfWebhook(webhook)}</dd>
      <dt>Address</dt>
      <dd>
        <code>{webhook.url}</code>
      </dd>
      <dt>Id</dt>
      <dd>
        <code>{webhook.id}</code>
      </dd>
      <dt>Made</dt>
      <dd>
        <Moment at={webhook.createdAt} why="" />
      </dd>
      <dt>Changed</dt>
      <dd>
        <Moment at={webhook.updatedAt} why="Never changed" />
      </dd>
    </dl>
  );
}

function accountOf({ url, visitor }: Guest): URLSearchParams {
  return new URLSearchParams(
    url.searchParams.has("account") ? { account: visitor.account.id } : {},
  );
}
