import type { AnyElysia } from "elysia";
import { masterKeyFile, readMasterKeys } from "#src/account/master-key.ts";
import type { App } from "#src/gateway/context.ts";
import { describeProvider } from "#src/http/describe.ts";
import type { Services } from "#src/http/services.ts";
import { Desktop } from "#src/web/dashboard/frame.tsx";
import { createRoom, type Guest } from "#src/web/dashboard/room.ts";
import { Facts } from "#src/web/operator/fields.tsx";
import { operatorProviderPath } from "#src/web/operator/providers.tsx";
import type { Desk } from "#src/web/people/desk.ts";
import { unknown } from "#src/web/public/words.tsx";
import { page } from "#src/web/respond.ts";
import { type Column, SheetTable } from "#src/web/sheet.tsx";

/** The path that setting a gateway up leads to. */
export const welcomePath = "/operator/welcome";

/** Where somebody who just set the gateway up sees how it stands, and what is next. */
export function welcomeRoom(desk: Desk): AnyElysia {
  const { app, services } = desk;
  return createRoom(desk, "operator welcome", "operator").get(welcomePath, (guest) =>
    page(<WelcomePage guest={guest} app={app} services={services} />, { personal: true }),
  ).routes;
}

/** A provider in a region that can be called. */
interface Place {
  id: string;
  name: string;
  region: string;
  grid: number | undefined;
  isAssumed: boolean;
}

function placesOf(app: App, services: Services): Place[] {
  return services.providers.flatMap((provider) =>
    describeProvider(provider, app, services)
      .regions.filter(({ routable }) => routable)
      .map((region) => ({
        id: provider.id,
        name: provider.name,
        region: region.id,
        grid: region.grid_intensity_g_per_kwh ?? undefined,
        isAssumed: region.grid_assumption !== undefined,
      })),
  );
}

const columns: readonly Column<Place>[] = [
  {
    name: "provider",
    title: "Provider",
    value: ({ name }) => name,
    show: ({ id, name }) => <a href={operatorProviderPath(id)}>{name}</a>,
  },
  { name: "region", title: "Region", kind: "short", value: ({ region }) => region },
  {
    name: "grid",
    title: "Grid, g CO2e/kWh",
    kind: "figure",
    why: unknown.grid,
    value: ({ grid }) => grid ?? null,
  },
  {
    name: "basis",
    title: "Which is",
    value: ({ grid, isAssumed }) =>
      grid === undefined ? "not known" : isAssumed ? "assumed" : "of its place",
  },
];

function WelcomePage(props: { guest: Guest; app: App; services: Services }) {
  const { guest, app, services } = props;
  const { config } = app;
  const { account } = guest.visitor;
  const places = placesOf(app, services);
  return (
    <Desktop
      guest={guest}
      title="Your gateway"
      lead={
        places.length === 0
          ? "It runs, but no provider is configured: no request can be answered yet."
          : "It runs. One step is left: a key for your first request."
      }
    >
      {places.length === 0 ? <NoProvider /> : <FirstKey guest={guest} />}
      <h2 id="providers">Providers found</h2>
      {places.length === 0 ? (
        <p>None.</p>
      ) : (
        <SheetTable
          caption="Where requests can go, with the grid that they are counted with"
          sheet={{ name: "places", columns, rows: places }}
        />
      )}
      <h2 id="configured">What is configured</h2>
      <Facts
        of={[
          ["Your account", `${account.name}, ${account.plan}`],
          ["File", config.file === undefined ? "none" : <code>{config.file}</code>],
          ["Data directory", <code>{config.dataDir}</code>],
          ["Currency", config.billing.currency],
          ["Routing policy", config.routing.policy],
          ["Methodology", config.eco.methodology],
          ["Provider keys are sealed", masterKeyWords(services)],
        ]}
      />
      <h2 id="later">Later</h2>
      <ul>
        <li>
          <a href="/operator/invitations">Invite others</a>: everybody comes in by a link.
        </li>
        <li>
          <a href="/account">Add a passkey or an authenticator app</a> to your sign-in.
        </li>
        <li>
          <a href="/operator/system">Look at the checks</a>, and copy the database with{" "}
          <code>lowrouter backup FILE</code>.
        </li>
        <li>
          <a href="/operator/configuration">Every setting</a> with where it came from.
        </li>
      </ul>
    </Desktop>
  );
}

function masterKeyWords({ providerKeys: { place } }: Services) {
  const { current } = readMasterKeys(place);
  if (current !== undefined) return `under the master key of ${current.from}; keep a copy of it`;
  return place.isRemote
    ? "once LOWROUTER_MASTER_KEY is set"
    : `under ${masterKeyFile(place)}, which is made with the first; keep a copy of it`;
}

function NoProvider() {
  return (
    <section class="notice bad" aria-labelledby="none">
      <h2 id="none">What to set</h2>
      <p>
        Set the key of a provider in the environment, or as a credential file of that name, and
        start the gateway again:
      </p>
      <pre tabindex={0}>
        <code>{`export OPENAI_API_KEY=…       # or ANTHROPIC_API_KEY, MISTRAL_API_KEY, GEMINI_API_KEY\nlowrouter serve`}</code>
      </pre>
      <p>
        Or keep it in the database, sealed; that counts at once:{" "}
        <code>lowrouter provider key openai</code>.{" "}
        <a href="/operator/providers?all=1">Every provider, with what to set for it</a>
      </p>
    </section>
  );
}

function FirstKey({ guest: { visitor, knock } }: { guest: Guest }) {
  return (
    <section class="notice" aria-labelledby="next">
      <h2 id="next">Next: make a key</h2>
      <p>
        <a class="button primary" href={`/dashboard/keys?account=${visitor.account.id}`}>
          Make a key
        </a>
      </p>
      <p>Then ask, with the key in place of the dots:</p>
      <pre tabindex={0}>
        <code>{`curl ${knock.origin}/v1/chat/completions \\
  -H "Authorization: Bearer lr_live_…" \\
  -H "Content-Type: application/json" \\
  -d '{"model": "lowrouter/auto", "messages": [{"role": "user", "content": "Hello"}]}'`}</code>
      </pre>
    </section>
  );
}
