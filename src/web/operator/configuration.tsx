import type { Config } from "#src/config/load.ts";
import { entriesOf, type FileEntry, shownSettings, type ShownSetting } from "#src/config/show.ts";
import type { Provider } from "#src/catalog/model.ts";
import { Desktop } from "#src/web/dashboard/frame.tsx";
import type { Guest } from "#src/web/dashboard/room.ts";
import { Facts } from "#src/web/operator/fields.tsx";
import { said } from "#src/web/docs/settings.ts";
import { type Column, Formats, type Sheet, SheetTable } from "#src/web/sheet.tsx";

/** Settings with what sets them. */
export function settingSheet(config: Config): Sheet<ShownSetting> {
  const columns: Column<ShownSetting>[] = [
    {
      name: "key",
      title: "Key",
      value: ({ key }) => key,
      show: ({ key }) => <code>{key}</code>,
    },
    {
      name: "value",
      title: "Value",
      kind: "long",
      value: ({ value }) => value,
      show: ({ value }) => (value === "" ? <span class="soft">empty</span> : <code>{value}</code>),
    },
    {
      name: "origin",
      title: "From",
      value: ({ origin }) => origin,
      show: ({ origin, name }) => (
        <>
          {origin === "default" ? <span class="soft">default</span> : origin}
          {name === null ? null : (
            <>
              <br />
              <code class="small">{name}</code>
            </>
          )}
        </>
      ),
    },
    { name: "name", value: ({ name }) => name },
    {
      name: "variable",
      title: "Variable",
      kind: "long",
      why: "No variable sets it",
      value: ({ key }) => variableOf(key) ?? null,
      show: ({ key }) => <code class="small">{variableOf(key)}</code>,
    },
  ];
  return { name: "configuration", columns, rows: shownSettings(config) };
}

function variableOf(key: string): string | undefined {
  return Object.hasOwn(said, key) ? said[key]?.variable : undefined;
}

/** A secret by its name, and whether it is there. */
interface Secret {
  name: string;
  what: string;
}

/** Secrets that are set; never what they are. */
export function secretsSet({ secret }: Config, providers: readonly Provider[]): Secret[] {
  const own: Secret[] = [
    { name: "LOWROUTER_DATABASE_TOKEN", what: "token of the database" },
    { name: "LOWROUTER_MAIL_PASSWORD", what: "password of the mail server" },
    { name: "STRIPE_SECRET_KEY", what: "key of Stripe" },
    { name: "STRIPE_WEBHOOK_SECRET", what: "signs what Stripe tells" },
    { name: "LOWROUTER_MASTER_KEY", what: "seals stored provider keys" },
    { name: "LOWROUTER_MASTER_KEY_PREVIOUS", what: "the one before, during a rotation" },
  ];
  const theirs = providers.flatMap(({ env, name }) =>
    env.map((variable): Secret => ({ name: variable, what: `credential of ${name}` })),
  );
  return [...own, ...theirs].filter(({ name }) => secret(name) !== undefined);
}

/** What steers the gateway, and where each value came from. Nothing is changed here. */
export function ConfigurationPage(props: {
  guest: Guest;
  config: Config;
  providers: readonly Provider[];
}) {
  const { guest, config, providers } = props;
  const entries = entriesOf(config);
  const secrets = secretsSet(config, providers);
  return (
    <Desktop
      guest={guest}
      title="Configuration"
      lead="Read-only: flags, credential files, the environment and the file own these values, in this order. Change one there, and start the gateway again."
    >
      <Facts
        of={[
          ["File", config.file === undefined ? "none" : <code>{config.file}</code>],
          ["Data directory", <code>{config.dataDir}</code>],
          [
            "Changed here instead",
            "accounts, keys, members, routing wishes and stored provider keys: the database owns those",
          ],
          ["Every key", <a href="/docs/operating/configuration">What each one does</a>],
        ]}
      />
      <SheetTable caption="Settings, with what is in force" sheet={settingSheet(config)} />
      <Formats path="/operator/configuration" />
      <h2 id="file">Providers, models and names</h2>
      {entries.length === 0 ? (
        <p>The file says nothing of providers, models, names or OpenID.</p>
      ) : (
        <SheetTable
          caption="From the file: read-only here, because the file owns them"
          sheet={{ name: "entries", columns: entryColumns, rows: entries }}
        />
      )}
      <h2 id="secrets">Secrets</h2>
      {secrets.length === 0 ? (
        <p>None is set in the environment or as a credential file.</p>
      ) : (
        <SheetTable
          caption="Secrets that are set, by name alone"
          sheet={{ name: "secrets", columns: secretColumns, rows: secrets }}
        />
      )}
    </Desktop>
  );
}

const entryColumns: readonly Column<FileEntry>[] = [
  {
    name: "key",
    title: "Key",
    value: ({ key }) => key,
    show: ({ key }) => <code>{key}</code>,
  },
  { name: "value", title: "Value", kind: "long", value: ({ value }) => value },
];

const secretColumns: readonly Column<Secret>[] = [
  {
    name: "name",
    title: "Name",
    value: ({ name }) => name,
    show: ({ name }) => <code>{name}</code>,
  },
  { name: "what", title: "What it is", value: ({ what }) => what },
];
