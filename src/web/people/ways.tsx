import { Table } from "#src/web/layout.tsx";
import { Act, Line, Moment, Sheet } from "#src/web/people/form.tsx";

/** A passkey of the visitor. */
export interface Passkey {
  id: string;
  name: string;
  createdAt: number | undefined;
}

/** Identities at other houses. */
export function Identities(props: {
  providers: readonly { id: string; name: string }[];
  connected: readonly string[];
}) {
  if (props.providers.length === 0) return null;
  return (
    <>
      <h2 id="identities">Other ways to sign in</h2>
      {props.providers.map(({ id, name }) =>
        props.connected.includes(id) ? (
          <Act
            action="/account/oidc/remove"
            name="id"
            value={id}
            button={`Disconnect ${name}`}
            about=""
          />
        ) : (
          <Act action="/account/oidc" name="id" value={id} button={`Connect ${name}`} about="" />
        ),
      )}
    </>
  );
}

/** The second step. */
export function TwoFactor({ isOn }: { isOn: boolean }) {
  return (
    <>
      <h2 id="codes">Authenticator app</h2>
      <p>
        {isOn
          ? "On: after the password, a code of the app is asked for."
          : "Off. With an app that shows six digits, a password that became known is not enough."}
      </p>
      <Sheet
        action={isOn ? "/account/codes/off" : "/account/codes/start"}
        button={isOn ? "Switch off" : "Set up"}
      >
        <Line
          part="codes-"
          name="password"
          label="Password"
          type="password"
          auto="current-password"
          most={128}
        />
      </Sheet>
    </>
  );
}

/** Passkeys, with a form to add one where the browser can. */
export function Passkeys({ passkeys }: { passkeys: readonly Passkey[] }) {
  return (
    <>
      <h2 id="passkeys">Passkeys</h2>
      <p>
        Sign in with a fingerprint, a face or a security key, in place of the password. This needs a
        browser with JavaScript.
      </p>
      {passkeys.length === 0 ? null : (
        <Table
          caption="Your passkeys"
          head={
            <tr>
              <th scope="col">Name</th>
              <th scope="col">Since</th>
              <th scope="col">
                <span class="said">Remove</span>
              </th>
            </tr>
          }
        >
          {passkeys.map(({ id, name, createdAt }) => (
            <tr>
              <th scope="row">{name}</th>
              <td>
                <Moment at={createdAt} why="The time was not kept" />
              </td>
              <td>
                <Act
                  action="/account/passkeys/remove"
                  name="id"
                  value={id}
                  button="Remove"
                  about={name}
                />
              </td>
            </tr>
          ))}
        </Table>
      )}
      <form class="sheet" data-passkey="/account/passkeys" data-new="1" hidden>
        <Line part="passkey-" name="name" label="Name of a new passkey" auto="off" most={60} />
        <button type="submit">Add a passkey</button>
        <p class="small" role="status" />
      </form>
    </>
  );
}
