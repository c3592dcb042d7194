import type { Link } from "#src/account/people/links.ts";
import { passwordLength } from "#src/account/people/password.ts";
import type { Visitor } from "#src/account/people/person.ts";
import type { Visit } from "#src/web/layout.tsx";
import { FormPage, Line, Sheet } from "#src/web/people/form.tsx";

/** What every page at the door may be told. */
interface Door {
  visit: Visit;
  fault?: string | undefined;
  done?: string | undefined;
}

/** Address and password, or a passkey. */
export function LoginPage(
  props: Door & {
    next: string;
    script: string;
    email?: string;
    oidc: readonly { id: string; name: string }[];
  },
) {
  const { visit, fault, done, next, script, email, oidc } = props;
  return (
    <FormPage visit={visit} title="Sign in" fault={fault} done={done}>
      <Sheet action="/login" button="Sign in">
        <input type="hidden" name="next" value={next} />
        <Line name="email" label="Email" type="email" auto="username webauthn" value={email} />
        <Line name="password" label="Password" type="password" auto="current-password" most={128} />
      </Sheet>
      <form class="sheet" data-passkey="/login/passkey" hidden>
        <input type="hidden" name="next" value={next} />
        <button type="submit">Sign in with a passkey</button>
        <p class="small" role="status" />
      </form>
      {oidc.map(({ id, name }) => (
        <p>
          <a class="button" href={`/login/oidc/${id}?next=${encodeURIComponent(next)}`}>
            Sign in with {name}
          </a>
        </p>
      ))}
      <p>
        <a href="/forgot">Forgot your password?</a>
      </p>
      <p class="small soft">Accounts are by invitation.</p>
      <script src={script} type="module" />
    </FormPage>
  );
}

/** The second step: a code. */
export function CodePage({ visit, fault, next }: Door & { next: string }) {
  return (
    <FormPage
      visit={visit}
      title="One more step"
      lead="Enter the six digits that your authenticator app shows, or one of your recovery codes."
      fault={fault}
    >
      <Sheet action="/login/code" button="Sign in">
        <input type="hidden" name="next" value={next} />
        <Line name="code" label="Code" auto="one-time-code" most={40} />
      </Sheet>
      <p>
        <a href="/login">Start again</a>
      </p>
    </FormPage>
  );
}

/** What somebody invited fills in; for who is signed in, a button. */
export function RegisterPage(
  props: Door & {
    link: Link;
    into?: string | undefined;
    visitor?: Visitor | undefined;
    filled?: { name: string; email: string };
  },
) {
  const { visit, fault, link, into, visitor, filled } = props;
  const isSetup = link.purpose === "setup";
  const title = isSetup ? "Set up this gateway" : "Accept the invitation";
  if (visitor !== undefined && !isSetup)
    return (
      <FormPage visit={visit} title={title} fault={fault}>
        {into === undefined ? (
          <p>
            This invitation opens a new account, and you are signed in with {visitor.person.email}.
            Sign out first if it is for somebody else.
          </p>
        ) : (
          <Sheet action="/register" button={`Join ${into}`}>
            <p>
              You are signed in with {visitor.person.email} and would join {into} with the role{" "}
              {link.role ?? "member"}.
            </p>
            <input type="hidden" name="join" value="1" />
          </Sheet>
        )}
        <Sheet action="/logout" button="Sign out" />
      </FormPage>
    );
  if (isSetup && visit.demo)
    return (
      <FormPage
        visit={visit}
        title="Look around"
        lead="You will be signed in as the administrator of this demonstration, with thirty days of history. Nothing of it is kept. This link works once."
        fault={fault}
      >
        <Sheet action="/register" button="Enter">
          <input type="hidden" name="visitor" value="1" />
        </Sheet>
      </FormPage>
    );
  return (
    <FormPage
      visit={visit}
      title={title}
      lead={
        isSetup
          ? "You will administer this gateway. This link works once."
          : into === undefined
            ? "This opens an account for you. The link works once."
            : `You will join ${into} as ${link.role ?? "member"}. The link works once.`
      }
      fault={fault}
    >
      <Sheet action="/register" button={isSetup ? "Set up" : "Register"}>
        <Line name="name" label="Name" auto="name" value={filled?.name} most={100} />
        <Line
          name="email"
          label="Email"
          type="email"
          auto="username"
          value={filled?.email ?? link.email}
          hint={link.email === undefined ? undefined : "The invitation is for this address alone"}
        />
        <NewPassword />
      </Sheet>
      {isSetup ? null : (
        <p>
          Registered already? <a href="/login?next=/register">Sign in</a> to join with that account.
        </p>
      )}
    </FormPage>
  );
}

/** A new password, with a link of the operator. */
export function ResetPage({ visit, fault }: Door) {
  return (
    <FormPage
      visit={visit}
      title="Choose a new password"
      lead="Every browser that is signed in will have to sign in again."
      fault={fault}
    >
      <Sheet action="/reset" button="Change the password">
        <NewPassword />
      </Sheet>
    </FormPage>
  );
}

/** The step out to another house: a link, since a form may lead nowhere else. */
export function ConnectPage({ visit, name, url }: Door & { name: string; url: string }) {
  return (
    <FormPage
      visit={visit}
      title={`Connect ${name}`}
      lead={`${name} will ask who you are, and lead you back here.`}
    >
      <p>
        <a class="button primary" href={url}>
          Continue to {name}
        </a>
      </p>
    </FormPage>
  );
}

/** What is said to who comes without a link that works. */
export function NoLinkPage({ visit, about }: Door & { about: "register" | "reset" }) {
  return (
    <FormPage
      visit={visit}
      title={about === "register" ? "Registration is by invitation" : "This link does not work"}
    >
      <p>
        A link works once and for a limited time. Ask whoever gave it to you for a new one.{" "}
        <a href="/login">Sign in</a>
      </p>
    </FormPage>
  );
}

/** A password that is to be kept, with the rule that it follows. */
export function NewPassword({ part }: { part?: string }) {
  return (
    <Line
      part={part}
      name="new-password"
      label="New password"
      type="password"
      auto="new-password"
      least={passwordLength.least}
      most={passwordLength.most}
      hint={`At least ${passwordLength.least} characters. A few words in a row are good`}
    />
  );
}
