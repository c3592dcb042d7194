import { Page, type Visit } from "#src/web/layout.tsx";
import { Line, Sheet } from "#src/web/people/form.tsx";
import { QrCode } from "#src/web/people/qr-code.tsx";

/** What has to be put into an authenticator app. Shown this once. */
export function CodesPage(props: {
  visit: Visit;
  secret: string;
  uri: string;
  recovery: readonly string[];
}) {
  const { visit, secret, uri, recovery } = props;
  return (
    <Page visit={visit} title="Set up the authenticator app">
      <div class="narrow">
        <h1>Set up the authenticator app</h1>
        <p class="lead">This page is shown once. Nothing is switched on before the last step.</p>
        <h2>1. Add this secret to the app</h2>
        <p>Scan this with the app, or type what stands below it.</p>
        <QrCode text={uri} label="QR code that holds the secret, for the authenticator app" />
        <p>
          <code class="secret">{secret.replace(/(.{4})(?=.)/g, "$1 ")}</code>
        </p>
        <p>
          On the device that has the app, <a href={uri}>open it with this link</a>. Else type the
          secret: by time, six digits, 30 seconds.
        </p>
        <h2>2. Keep these recovery codes</h2>
        <p>Each signs you in once, should the app be lost.</p>
        <ul class="codes">
          {recovery.map((code) => (
            <li>
              <code>{code}</code>
            </li>
          ))}
        </ul>
        <h2>3. Enter the code that the app shows</h2>
        <Sheet action="/account/codes/confirm" button="Switch on">
          <Line name="code" label="Code" auto="one-time-code" most={10} mode="numeric" />
        </Sheet>
        <p>
          <a href="/account">Not now</a>
        </p>
      </div>
    </Page>
  );
}
