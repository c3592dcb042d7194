import type { KeyMaker } from "#src/account/people/key-makers.ts";
import { type Link, stateOf } from "#src/account/people/links.ts";
import { isAtLeast, type Role, roles } from "#src/account/people/person.ts";
import { rfc3339 } from "#src/lib/clock.ts";
import { copyTextScript } from "#src/web/assets.ts";
import { CopyButton } from "#src/web/ask-line.tsx";
import { type AuditNames, readable } from "#src/web/dashboard/audit-names.ts";
import { Desktop } from "#src/web/dashboard/frame.tsx";
import { formAt, pageAt } from "#src/web/dashboard/key-text.ts";
import type { Guest, Outcome } from "#src/web/dashboard/room.ts";
import { Table, Unknown } from "#src/web/layout.tsx";
import { Act, Line, Moment, Sheet as Form } from "#src/web/people/form.tsx";
import { type Column, Formats, type Sheet, SheetTable } from "#src/web/sheet.tsx";

const path = "/dashboard/members";

/** An invitation that was just made. Its address is shown this once. */
export interface Invited {
  link: Link;
  url: string;
  /** Whether it is on its way by mail too. */
  mailed: boolean;
}

const roleWords: Record<Role, string> = {
  owner: "owner: everything, owners included",
  admin: "admin: everything but owners",
  member: "member: makes and sees own keys, no billing",
};

/** Members as a page, JSON and CSV. */
export function membersSheet(rows: readonly KeyMaker[], guest: Guest): Sheet<KeyMaker> {
  const { visitor } = guest;
  const isWithinReach = (member: KeyMaker) =>
    !member.isPersonal && isAtLeast(visitor.role, member.role);
  const columns: Column<KeyMaker>[] = [
    {
      name: "name",
      title: "Member",
      value: ({ name }) => name,
      show: ({ name, email, personId }) => (
        <>
          {name}
          {personId === visitor.person.id ? " (you)" : ""}
          <br />
          <span class="small soft">{email}</span>
        </>
      ),
    },
    { name: "id", value: ({ personId }) => personId },
    { name: "email", value: ({ email }) => email },
    {
      name: "role",
      title: "Role",
      value: ({ role }) => role,
      show: (member) =>
        isWithinReach(member) ? (
          <>
            <RoleForm guest={guest} member={member} />
            {member.managementKeys === 0 ? null : (
              <p class="small soft">{`As a member: ${willStop(member.managementKeys)}`}</p>
            )}
          </>
        ) : (
          member.role
        ),
    },
    {
      name: "keys",
      title: "Keys made",
      kind: "figure",
      value: ({ keys }) => keys,
    },
    { name: "enabled_keys", value: ({ enabledKeys }) => enabledKeys },
    { name: "management_keys", value: ({ managementKeys }) => managementKeys },
    {
      name: "since",
      title: "Since",
      kind: "short",
      value: ({ since }) => rfc3339(since),
      show: ({ since }) => <Moment at={since} why="" />,
    },
    {
      name: "removable",
      title: "Remove",
      value: isWithinReach,
      show: (member) =>
        isWithinReach(member) ? (
          <a href={pageAt(guest, `${path}/${member.personId}/remove`)}>
            Remove<span class="said">{` ${member.name}`}</span>
          </a>
        ) : (
          <Unknown
            why={
              member.isPersonal
                ? "It is this person's own account"
                : "Only owners change and remove owners"
            }
          />
        ),
    },
  ];
  return { name: "members", columns, rows };
}

/** What becomes of management keys when who made them may not manage any more. */
export function willStop(keys: number): string {
  return keys === 1
    ? "1 management key will stop working"
    : `${keys} management keys will stop working`;
}

function RoleForm({ guest, member }: { guest: Guest; member: KeyMaker }) {
  const id = `role-${member.personId}`;
  return (
    <form class="buttons" method="post" action={formAt(guest, `${path}/${member.personId}/role`)}>
      <label class="said" for={id}>
        {`Role of ${member.name}`}
      </label>
      <select id={id} name="role">
        {given(guest).map((role) => (
          <option value={role} selected={role === member.role}>
            {role}
          </option>
        ))}
      </select>
      <button type="submit">
        Change<span class="said">{` the role of ${member.name}`}</span>
      </button>
    </form>
  );
}

/** Roles that a visitor may give: no higher than the own. */
function given({ visitor }: Guest): Role[] {
  return roles.filter((role) => isAtLeast(visitor.role, role));
}

/** Members, invitations that wait, and the form that makes one. */
export function MembersPage(props: {
  guest: Guest;
  outcome: Outcome;
  sheet: Sheet<KeyMaker>;
  next: string | undefined;
  open: readonly Link[];
  makers: AuditNames;
  now: number;
  invited: Invited | undefined;
}) {
  const { guest, outcome, sheet, next, open, invited } = props;
  const { visitor, url } = guest;
  const query = new URLSearchParams({ account: visitor.account.id });
  return (
    <Desktop
      guest={guest}
      title="Members"
      lead={`Who may act for ${visitor.account.name}, and as what.`}
      outcome={outcome}
    >
      {invited === undefined ? null : <Made invited={invited} />}
      <SheetTable caption="Members, owners first" sheet={sheet} />
      <nav class="pages" aria-label="Pages of the list">
        {url.searchParams.has("after") ? (
          <a href={pageAt(guest, path)}>From the beginning</a>
        ) : null}
        {next === undefined ? null : (
          <a rel="next" href={pageAt(guest, path, { after: next })}>
            Further
          </a>
        )}
      </nav>
      <Formats path={path} query={query} />
      <h2 id="invite">Invite somebody</h2>
      <p>
        This makes a link that works once. It is void as soon as you could not give that role any
        more.
      </p>
      <InviteForm guest={guest} form={outcome.form?.has("days") ? outcome.form : undefined} />
      <h2 id="open">Open invitations</h2>
      <Open {...props} />
      {open.length === 0 ? null : (
        <p class="small soft">The links themselves are not kept: make a new one for a lost one.</p>
      )}
    </Desktop>
  );
}

function InviteForm({ guest, form }: { guest: Guest; form: URLSearchParams | undefined }) {
  const asked = form?.get("role") ?? "member";
  return (
    <Form action={formAt(guest, `${path}/invite`)} button="Make the link">
      <Line
        name="email"
        label="Email, if it is for one person alone"
        type="email"
        auto="off"
        value={form?.get("email") ?? ""}
        optional
      />
      <p class="line">
        <label for="role">Role</label>
        <select id="role" name="role">
          {given(guest).map((role) => (
            <option value={role} selected={role === asked}>
              {roleWords[role]}
            </option>
          ))}
        </select>
      </p>
      <Line
        name="days"
        label="Days that it works"
        auto="off"
        value={form?.get("days") ?? "7"}
        mode="numeric"
        most={2}
      />
    </Form>
  );
}

function Open({ guest, open, makers, now }: Parameters<typeof MembersPage>[0]) {
  if (open.length === 0) return <p>No invitation waits to be taken.</p>;
  return (
    <Table
      caption="Invitations that wait to be taken"
      head={
        <tr>
          <th scope="col">For</th>
          <th scope="col">As</th>
          <th scope="col">Made by</th>
          <th scope="col">Until</th>
          <th scope="col">State</th>
          <th scope="col">Revoke</th>
        </tr>
      }
    >
      {open.map((link) => (
        <tr>
          <th scope="row" class="long">
            {link.email ?? "anybody with the link"}
          </th>
          <td>{link.role}</td>
          <td class="long">{readable(link.createdBy, makers)}</td>
          <td class="short">
            <Moment at={link.expiresAt} why="" />
          </td>
          <td>
            {stateOf(link, now) === "void" ? (
              <abbr title="Who made it may not give this role any more">void</abbr>
            ) : (
              "open"
            )}
          </td>
          <td>
            <Act
              action={formAt(guest, `${path}/revoke`)}
              name="id"
              value={link.id}
              button="Revoke"
              about={`the invitation for ${link.email ?? "anybody"}, made ${rfc3339(link.createdAt).slice(0, 16)}`}
            />
          </td>
        </tr>
      ))}
    </Table>
  );
}

function Made({ invited: { link, url, mailed } }: { invited: Invited }) {
  return (
    <section class="notice" aria-labelledby="made">
      <h2 id="made">The invitation is made</h2>
      <p>
        {mailed
          ? `It is on its way to ${link.email} by mail. It can be handed over too: `
          : `Hand it over${link.email === undefined ? "" : ` to ${link.email}`} now: `}
        it is not shown again. It works once, until <Moment at={link.expiresAt} why="" />.
      </p>
      <p class="secret">
        <code id="link">{url}</code>
      </p>
      <CopyButton of="link" what="Copy the link" />
      <script src={copyTextScript.path} defer></script>
    </section>
  );
}
