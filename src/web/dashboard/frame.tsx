import type { Child } from "hono/jsx";
import type { Visitor } from "#src/account/people/person.ts";
import { operatorPlacesOf, type Place, placesOf } from "#src/web/dashboard/places.ts";
import type { Guest, Outcome } from "#src/web/dashboard/room.ts";
import { figure } from "#src/web/format.ts";
import { Page } from "#src/web/layout.tsx";
import { Notes } from "#src/web/people/form.tsx";

/** The frame of the pages behind the sign-in: where one is, for which account, and what became of the last form. */
export function Desktop(props: {
  guest: Pick<Guest, "visit" | "visitor" | "uncounted">;
  title: string;
  lead?: Child;
  /** What else the head of the page holds. */
  head?: Child;
  outcome?: Outcome;
  children: Child;
}) {
  const { guest, title, lead, head, outcome = {}, children } = props;
  const { visit, visitor, uncounted } = guest;
  return (
    <Page visit={visit} title={title} head={head}>
      <div class="desk">
        <Places path={visit.path} visitor={visitor} />
        <div class="deskmain">
          <h1>{title}</h1>
          {lead === undefined ? null : <p class="lead">{lead}</p>}
          <Notes fault={outcome.fault} done={outcome.done} />
          <Uncounted count={uncounted} />
          {children}
        </div>
      </div>
    </Page>
  );
}

/** What is not on the page, and why. */
function Uncounted({ count }: { count: number }) {
  if (count === 0) return null;
  const [requests, are] = count === 1 ? ["request", "is"] : ["requests", "are"];
  return (
    <p class="notice" role="status">
      {`${figure(count)} ${requests} that this machine answered ${are} not counted yet: the database does not have ${count === 1 ? "it" : "them"}.`}
    </p>
  );
}

function Places({ path, visitor }: { path: string; visitor: Visitor }) {
  const own = placesOf(visitor);
  const operator = operatorPlacesOf(visitor);
  // The longest that leads here: /dashboard begins every other path too.
  const here = [...own, ...operator]
    .filter((place) => path === place.path || path.startsWith(`${place.path}/`))
    .toSorted((a, b) => b.path.length - a.path.length)[0];
  return (
    <nav class="places" aria-label="Dashboard">
      <Switch visitor={visitor} />
      {/* Open wherever there is room, whatever its state. */}
      <details>
        <summary>{here === undefined ? "Pages" : `Pages: ${here.name}`}</summary>
        <PlaceList here={here} places={own} />
        {operator.length === 0 ? null : (
          <>
            <strong>Gateway</strong>
            <PlaceList here={here} places={operator} />
          </>
        )}
      </details>
    </nav>
  );
}

function PlaceList(props: { here: Place | undefined; places: readonly Place[] }) {
  const { here, places } = props;
  return (
    <ul>
      {places.map((place) => (
        <li>
          <a href={place.path} aria-current={place === here ? "page" : undefined}>
            {place.name}
          </a>
        </li>
      ))}
    </ul>
  );
}

/** Which account the pages are about, and the way to another. */
function Switch({ visitor: { account, memberships, person } }: { visitor: Visitor }) {
  return (
    <p class="switch">
      <strong>{account.name}</strong>
      <br />
      <a href="/account">
        {memberships.length > 1 ? "Switch account" : "Your account"}
        <span class="said">{`, signed in as ${person.name}`}</span>
      </a>
    </p>
  );
}
