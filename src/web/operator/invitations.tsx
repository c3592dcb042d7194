import { type Link, type Purpose, stateOf } from "#src/account/people/links.ts";
import { toUnits } from "#src/ledger/money.ts";
import { rfc3339 } from "#src/lib/clock.ts";
import { Desktop } from "#src/web/dashboard/frame.tsx";
import type { Guest, Outcome } from "#src/web/dashboard/room.ts";
import { accountPath } from "#src/web/operator/accounts.tsx";
import { Choose, Figure, money, Once, Pager } from "#src/web/operator/fields.tsx";
import { Act, Line, Moment, Sheet as Form } from "#src/web/people/form.tsx";
import { type Column, Formats, type Sheet, SheetTable } from "#src/web/sheet.tsx";

/** A link that was just made, to hand over. */
export interface MadeLink {
  url: string;
  link: Link;
  /** Who a reset is for. */
  person?: string;
  /** Whether it is on its way by mail too. */
  isMailed?: boolean;
}

/** What a link is shown with. */
export interface LinkNames {
  accounts: ReadonlyMap<string, string>;
  people: ReadonlyMap<string, string>;
}

const purposes: Record<Purpose, string> = {
  invitation: "invitation",
  setup: "first administrator",
  reset: "new password",
};

const path = "/operator/invitations";

/** Links that work once, with what became of them; never their tokens. */
export function linkSheet(
  rows: readonly Link[],
  { accounts, people }: LinkNames,
  currency: string,
  now: number,
): Sheet<Link> {
  const nameOf = (id: string) => people.get(id) ?? id;
  const columns: Column<Link>[] = [
    {
      name: "id",
      title: "Link",
      value: ({ id }) => id,
      show: ({ id, purpose }) => (
        <>
          {purposes[purpose]}
          <br />
          <code class="small soft">{id}</code>
        </>
      ),
    },
    { name: "purpose", value: ({ purpose }) => purpose },
    {
      name: "state",
      title: "State",
      value: (link) => stateOf(link, now),
      show: (link) => {
        const state = stateOf(link, now);
        return <span class={state === "open" ? "good" : "soft"}>{state}</span>;
      },
    },
    {
      name: "revocable",
      title: "Revoke",
      value: (link) => isRevocable(link, now),
      show: (link) =>
        isRevocable(link, now) ? (
          <Act
            action={`${path}/revoke`}
            name="id"
            value={link.id}
            button="Revoke"
            about={link.id}
          />
        ) : (
          <span class="soft small">over</span>
        ),
    },
    {
      name: "for",
      title: "For",
      kind: "long",
      value: ({ email, personId }) =>
        email ?? (personId === undefined ? "anybody" : nameOf(personId)),
    },
    {
      name: "account",
      title: "Opens",
      kind: "list",
      value: ({ accountId }) => accountId ?? null,
      why: "A personal account of its own, or nothing new",
      show: ({ accountId = "" }) => (
        <a href={accountPath(accountId)}>{accounts.get(accountId) ?? accountId}</a>
      ),
    },
    {
      name: "role",
      title: "As",
      value: ({ operator, role, purpose }) =>
        operator ? "operator" : (role ?? (purpose === "reset" ? null : "owner")),
      why: "It changes no role",
    },
    {
      name: "credit",
      title: `Credit, ${currency}`,
      kind: "figure",
      value: ({ credit }) => toUnits(credit),
      show: ({ credit }) => money(credit),
    },
    {
      name: "created_at",
      title: "Made",
      kind: "list",
      value: ({ createdAt }) => rfc3339(createdAt),
      show: ({ createdAt, createdBy }) => (
        <>
          <Moment at={createdAt} why="" />
          <br />
          <span class="small soft name">by {nameOf(createdBy)}</span>
        </>
      ),
    },
    { name: "created_by", value: ({ createdBy }) => createdBy },
    {
      name: "expires_at",
      title: "Until",
      kind: "list",
      value: ({ expiresAt }) => rfc3339(expiresAt),
      show: ({ expiresAt }) => <Moment at={expiresAt} why="" />,
    },
    {
      name: "used_by",
      title: "Used by",
      kind: "list",
      why: "It was not used",
      value: ({ usedBy }) => usedBy ?? null,
      show: ({ usedBy = "", usedAt }) => (
        <>
          <span class="name">{nameOf(usedBy)}</span>
          <br />
          <Moment at={usedAt} why="The time is not known" />
        </>
      ),
    },
  ];
  return { name: "invitations", columns, rows };
}

/** One whose maker lost what it gives would work again if they were given it back. */
function isRevocable(link: Link, now: number): boolean {
  const state = stateOf(link, now);
  return state === "open" || state === "void";
}

/** Every link, and the forms that make them. */
export function InvitationsPage(props: {
  guest: Guest;
  outcome: Outcome;
  sheet: Sheet<Link>;
  next: string | undefined;
  made: MadeLink | undefined;
  currency: string;
}) {
  const { guest, outcome, sheet, next, made, currency } = props;
  const query = new URLSearchParams();
  const before = guest.url.searchParams.get("after");
  if (before !== null) query.set("after", before);
  return (
    <Desktop
      guest={guest}
      title="Invitations"
      lead="Links that work once, to come in, or to choose a new password."
      outcome={outcome}
    >
      {made === undefined ? null : <Made made={made} />}
      <h2 id="invite">Invite somebody</h2>
      <Form action={path} button="Make the link">
        <Line
          name="email"
          label="Email, if it is for one person alone"
          type="email"
          auto="off"
          optional
        />
        <Line
          name="account"
          label="Id of the account to join; empty opens a personal one"
          auto="off"
          value={guest.url.searchParams.get("for") ?? undefined}
          optional
        />
        <Choose
          name="role"
          label="Role in that account"
          options={[
            ["member", "member"],
            ["admin", "admin"],
            ["owner", "owner"],
          ]}
        />
        <Figure
          name="credit"
          label={`Credit for the personal account of somebody new, ${currency}`}
          optional
        />
        <Figure name="days" label="Days that it works" value="7" mode="numeric" />
        <p>
          <label>
            <input type="checkbox" name="operator" value="1" /> Makes them an operator of the whole
            gateway
          </label>
        </p>
      </Form>
      <h2 id="reset">New password for somebody</h2>
      <p>
        For who lost theirs. The link works once within a day, ends those before it, and signs every
        browser of theirs out when it is used.
      </p>
      <Form action={`${path}/reset`} button="Make the reset link">
        <Line part="reset-" name="email" label="Their email" type="email" auto="off" />
      </Form>
      <h2 id="links">Links</h2>
      {sheet.rows.length === 0 ? (
        <p>No link was made yet.</p>
      ) : (
        <SheetTable caption="Links that work once, the newest first" sheet={sheet} />
      )}
      <Pager path={path} query={query} next={next} />
      <Formats path={path} query={query} />
    </Desktop>
  );
}

function Made({ made: { url, link, person, isMailed } }: { made: MadeLink }) {
  return (
    <Once
      title={link.purpose === "reset" ? "The reset link is made" : "The invitation is made"}
      about={
        <>
          {isMailed === true
            ? `It is on its way to ${link.email} by mail. It can be handed over too: `
            : `Hand it over${person === undefined ? "" : ` to ${person}`} now: `}
          it is not shown again. It works once, until <Moment at={link.expiresAt} why="" />.
        </>
      }
      secret={url}
    />
  );
}
