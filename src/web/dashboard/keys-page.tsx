import { limitRemaining } from "#src/report/key-record.ts";
import { toUnits } from "#src/ledger/money.ts";
import { rfc3339 } from "#src/lib/clock.ts";
import { copyTextScript } from "#src/web/assets.ts";
import { askLine, CopyButton } from "#src/web/ask-line.tsx";
import { Desktop } from "#src/web/dashboard/frame.tsx";
import { Choice, fillingOf, TextLine } from "#src/web/dashboard/key-lines.tsx";
import { formAt, money, pageAt, perInterval, stateOf } from "#src/web/dashboard/key-text.ts";
import { type FieldsFor, KeyFields } from "#src/web/dashboard/keys-fields.tsx";
import type { ListedKey } from "#src/web/dashboard/keys-list.ts";
import type { Guest, Outcome } from "#src/web/dashboard/room.ts";
import type { MintedKey } from "#src/account/keys.ts";
import { Sheet as Form, Moment } from "#src/web/people/form.tsx";
import { Formats, type Sheet, SheetTable } from "#src/web/sheet.tsx";

const path = "/dashboard/keys";

/** The keys that a visitor sees, and the form that makes one. */
export function KeysPage(
  props: Omit<FieldsFor, "fill"> & {
    guest: Guest;
    outcome: Outcome;
    sheet: Sheet<ListedKey>;
    next: string | undefined;
    isAdmin: boolean;
  },
) {
  const { guest, outcome, sheet, next, isAdmin, currency, places } = props;
  const fill = fillingOf(outcome);
  const query = new URLSearchParams(guest.url.searchParams);
  const after = query.has("after");
  for (const name of ["after", "done"]) query.delete(name);
  return (
    <Desktop
      guest={guest}
      title="Keys"
      lead={
        isAdmin
          ? "Programs call with a key. Its limits hold from the next request on."
          : "The keys that you made. Their limits hold from the next request on; what the account is allowed holds them all."
      }
      outcome={outcome}
    >
      {sheet.rows.length === 0 ? (
        <p class="notice">
          {after ? "There is no further key." : "There is no key yet: make one."}
        </p>
      ) : (
        <SheetTable caption="Keys, newest first; amounts without own provider keys" sheet={sheet} />
      )}
      {next === undefined && !after ? null : (
        <nav class="pages" aria-label="Pages of keys">
          {after ? <a href={pageAt(guest, path)}>Newest</a> : null}
          {next === undefined ? null : (
            <a rel="next" href={pageAt(guest, path, { after: next })}>
              Older keys
            </a>
          )}
        </nav>
      )}
      <Formats path={path} query={query} />
      <h2 id="new">Make a key</h2>
      <Form action={formAt(guest, path)} button="Make the key">
        <TextLine fill={fill} name="name" label="Name" required hint="What it is for." />
        <details open={outcome.form !== undefined}>
          <summary>Limits, models, region and more</summary>
          {isAdmin ? (
            <Choice
              fill={fill}
              name="key_type"
              label="Kind"
              options={[
                ["regular", "API key: calls models"],
                ["management", "management key: makes keys, reads usage, calls no model"],
              ]}
            />
          ) : null}
          <KeyFields fill={fill} currency={currency} places={places} />
        </details>
      </Form>
    </Desktop>
  );
}

/** The answer to the form: the only one that ever holds the secret. */
export function KeyMadePage({ guest, made }: { guest: Guest; made: MintedKey }) {
  const { key, secret } = made;
  const { origin } = guest.visit;
  return (
    <Desktop guest={guest} title="The key is made" lead={key.name}>
      <p class="notice" role="status">
        Copy it now. It is not kept here, and no page shows it again.
      </p>
      <p class="secret">
        <code id="secret">{secret}</code>
      </p>
      <CopyButton of="secret" what="Copy the key" />
      <h2>Try it</h2>
      <pre tabindex={0}>
        <code id="line">
          {key.type === "management" ? managementLine(origin, secret) : askLine(origin, secret)}
        </code>
      </pre>
      <CopyButton of="line" what="Copy the line" />
      <p>
        <a href={pageAt(guest, `${path}/${key.hash}`)}>This key's page</a>,{" "}
        <a href={pageAt(guest, path)}>all keys</a>,{" "}
        <a href="/docs/integrations">how tools are pointed here</a>
      </p>
      <script src={copyTextScript.path} defer></script>
    </Desktop>
  );
}

function managementLine(origin: string, key: string): string {
  return `curl ${origin}/api/v1/keys -H "Authorization: Bearer ${key}"`;
}

/** Keys as a page, JSON and CSV. Members are those of the API. */
export function keysSheet(
  keys: readonly ListedKey[],
  { guest, currency, now }: { guest: Guest; currency: string; now: number },
): Sheet<ListedKey> {
  const time = (at: number | undefined) => (at === undefined ? null : rfc3339(at));
  const none = "Without a limit";
  return {
    name: "keys",
    rows: keys,
    columns: [
      {
        name: "name",
        title: "Key",
        value: ({ key }) => key.name,
        show: ({ key }) => (
          <>
            <a href={pageAt(guest, `${path}/${key.hash}`)}>{key.name}</a>
            <br />
            <code class="small soft">{key.label}</code>
          </>
        ),
      },
      { name: "hash", value: ({ key }) => key.hash },
      { name: "label", value: ({ key }) => key.label },
      { name: "key_type", title: "Kind", value: ({ key }) => key.type },
      {
        name: "made_by",
        title: "Made by",
        value: ({ maker }) => maker ?? null,
        why: ({ key }) => whoIsMissing(key.createdBy),
      },
      {
        name: "usage",
        title: `Spent, ${currency}`,
        kind: "figure",
        value: ({ usages }) => toUnits(usages.own.total),
        show: ({ usages }) => money(toUnits(usages.own.total)),
      },
      {
        name: "limit",
        title: "Limit",
        kind: "figure",
        value: ({ key }) => (key.limit === undefined ? null : toUnits(key.limit)),
        show: ({ key }) =>
          `${money(toUnits(key.limit ?? 0))} ${key.limitReset === undefined ? "in all" : perInterval[key.limitReset]}`,
        why: none,
      },
      { name: "limit_reset", value: ({ key }) => key.limitReset ?? null },
      {
        name: "limit_remaining",
        title: "Left of it",
        kind: "figure",
        value: ({ key, usages }) => limitRemaining(key, usages),
        show: ({ key, usages }) => money(limitRemaining(key, usages) ?? 0),
        why: none,
      },
      {
        name: "last_used_at",
        title: "Last used",
        kind: "short",
        value: ({ key }) => time(key.lastUsedAt),
        show: ({ key }) => <Moment at={key.lastUsedAt} why="" />,
        why: ({ usages: { own, byok } }) =>
          own.total + byok.total > 0 ? "Within the last seconds" : "Never used",
      },
      { name: "state", title: "State", value: ({ key }) => stateOf(key, now) },
      { name: "created_at", value: ({ key }) => time(key.createdAt) },
      { name: "expires_at", value: ({ key }) => time(key.expiresAt) },
    ],
  };
}

/** Why no name stands for whoever made a key. */
export function whoIsMissing(createdBy: string | undefined): string {
  return createdBy === undefined
    ? "Made by the command line or with a management key"
    : "The person who made it is gone";
}
