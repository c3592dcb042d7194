import type { Session } from "#src/account/people/sessions.ts";
import type { Visitor } from "#src/account/people/person.ts";
import { rfc3339 } from "#src/lib/clock.ts";
import { Page, Table, Unknown, type Visit } from "#src/web/layout.tsx";
import { pageIn } from "#src/web/page-in.ts";
import { NewPassword } from "#src/web/people/door.tsx";
import { Act, Line, Moment, Notes, Sheet } from "#src/web/people/form.tsx";
import { Identities, type Passkey, Passkeys, TwoFactor } from "#src/web/people/ways.tsx";

/** Accounts of one page; most people have two. */
const shownAccounts = 50;

/** Everything about oneself: accounts, ways to sign in, sessions. */
export function AccountPage(props: {
  visit: Visit;
  visitor: Visitor;
  sessions: readonly Session[];
  passkeys: readonly Passkey[];
  /** OpenID providers, and those by which the visitor is known. */
  oidc: readonly { id: string; name: string }[];
  connected: readonly string[];
  script: string;
  fault?: string | undefined;
  done?: string | undefined;
}) {
  const { visit, visitor, sessions, passkeys, script, fault, done } = props;
  const { person } = visitor;
  return (
    <Page visit={visit} title="Your account">
      <h1>Your account</h1>
      <p class="lead">
        {person.name}, {person.email}
        {person.operator ? ", operator of this gateway" : ""}
      </p>
      <Notes fault={fault} done={done} />
      <form method="post" action="/logout">
        <button type="submit">Sign out</button>
      </form>
      <Accounts visit={visit} visitor={visitor} />
      <h2 id="password">Password</h2>
      <Sheet action="/account/password" button="Change the password">
        <Line
          part="change-"
          name="password"
          label="Password now"
          type="password"
          auto="current-password"
          most={128}
        />
        <NewPassword part="change-" />
      </Sheet>
      <Identities providers={props.oidc} connected={props.connected} />
      <TwoFactor isOn={person.twoFactor} />
      <Passkeys passkeys={passkeys} />
      <Sessions sessions={sessions} />
      <h2 id="delete">Delete yourself</h2>
      <p>
        Ends every session and membership, and switches off accounts that are yours alone, with
        their keys. What was used and paid stays in the ledger. This cannot be undone.
      </p>
      <Sheet action="/account/delete" button="Delete for good" danger>
        <Line
          part="delete-"
          name="password"
          label="Password"
          type="password"
          auto="current-password"
          most={128}
        />
      </Sheet>
      <script src={script} type="module" />
    </Page>
  );
}

function Accounts({ visit, visitor }: { visit: Visit; visitor: Visitor }) {
  const { memberships, account, person } = visitor;
  const after = new URLSearchParams(visit.search).get("after");
  const { shown, next } = pageIn(memberships, (one) => one.account.id, {
    after,
    pageSize: shownAccounts,
  });
  return (
    <>
      <h2 id="accounts">Accounts</h2>
      <Table
        caption="Accounts that you may act for"
        head={
          <tr>
            <th scope="col">Account</th>
            <th scope="col">Role</th>
            <th scope="col">Kind</th>
            <th scope="col">
              <span class="said">Change</span>
            </th>
          </tr>
        }
      >
        {shown.map((one) => {
          const isPersonal = one.account.id === person.personalAccountId;
          return (
            <tr>
              <th scope="row">
                {one.account.name}
                <br />
                <code class="small soft">{one.account.id}</code>
              </th>
              <td>{one.role}</td>
              <td>{isPersonal ? "personal" : "organisation"}</td>
              <td>
                <span class="buttons">
                  {one.account.id === account.id ? (
                    <strong>In use</strong>
                  ) : (
                    <Act
                      action="/account/switch"
                      name="to"
                      value={one.account.id}
                      button="Use"
                      about={one.account.name}
                    />
                  )}
                  {isPersonal ? null : (
                    <Act
                      action="/account/leave"
                      name="leave"
                      value={one.account.id}
                      button="Leave"
                      about={one.account.name}
                    />
                  )}
                </span>
              </td>
            </tr>
          );
        })}
      </Table>
      {next === undefined && after === null ? null : (
        <nav class="pages" aria-label="Pages of accounts">
          {after === null ? null : <a href="/account#accounts">From the beginning</a>}
          {next === undefined ? null : (
            <a rel="next" href={`/account?after=${encodeURIComponent(next)}#accounts`}>
              Further
            </a>
          )}
        </nav>
      )}
      <Sheet action="/account/organisations" button="Open an organisation">
        <Line
          part="organisation-"
          name="name"
          label="Name of a new organisation"
          auto="organization"
          most={100}
        />
      </Sheet>
    </>
  );
}

function Sessions({ sessions }: { sessions: readonly Session[] }) {
  return (
    <>
      <h2 id="sessions">Sessions</h2>
      <Table
        caption="Browsers that are signed in as you"
        head={
          <tr>
            <th scope="col">Browser</th>
            <th scope="col">Address</th>
            <th scope="col">Signed in</th>
            <th scope="col">Until</th>
            <th scope="col">
              <span class="said">End</span>
            </th>
          </tr>
        }
      >
        {sessions.map((session) => (
          <tr>
            <th scope="row" class="long">
              {session.userAgent ?? <Unknown why="The browser did not say" />}
            </th>
            <td>{session.address ?? <Unknown why="The address is not known" />}</td>
            <td>
              <Moment at={session.createdAt} why="" />
            </td>
            <td>
              <Moment at={session.expiresAt} why="" />
            </td>
            <td>
              {session.isThis ? (
                <strong>This one</strong>
              ) : (
                <Act
                  action="/account/sessions/end"
                  name="id"
                  value={session.id}
                  button="End"
                  about={`the session since ${rfc3339(session.createdAt).slice(0, 16)}`}
                />
              )}
            </td>
          </tr>
        ))}
      </Table>
      {sessions.length < 2 ? null : (
        <Act
          action="/account/sessions/end"
          name="id"
          value="others"
          button="End all others"
          about=""
        />
      )}
    </>
  );
}
