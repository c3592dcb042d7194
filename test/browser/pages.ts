import { createLink } from "#src/account/people/links.ts";
import { leaves } from "#src/web/docs/pages.ts";
import type { Browser, PeopleGateway } from "#test/web/people-kit.ts";
import type { FullHouse, Tenancy } from "#test/browser/full-house.ts";
import { fixedPaths } from "#test/web/site.ts";

/** A page that somebody may open. */
export interface Sample {
  path: string;
  /** Who it is shown to, if not to Ada. */
  who?: "nobody" | "vera";
  /** Opened before it: a link that works once keeps itself in a cookie. */
  by?: string;
}

/** What is mounted beside the pages, and is none. */
export const notPages: readonly string[] = [
  "/assets/:name",
  "/docs/downloads/:file",
  "/docs.md",
  "/llms.txt",
  "/llms-full.txt",
  "/openapi.json",
  // They lead on, to another house and back.
  "/login/oidc/:id",
  "/login/api/callback/:id",
  "/dashboard/live/events",
];

/** Pages that are the same for everybody, by the path that they are mounted at. */
export async function commonPages(house: PeopleGateway): Promise<Record<string, Sample[]>> {
  const at = (...paths: string[]): Sample[] => paths.map((path) => ({ path }));
  const fixed = (start: string) => fixedPaths.filter((path) => path.startsWith(start));
  const visitor = (path: string, by?: string): Sample[] => [
    { path, who: "nobody", ...(by === undefined ? {} : { by }) },
  ];
  const [known] = await house.store.read("SELECT id FROM person LIMIT 1", []);
  const { token } = await createLink(house.gateway.services.people, {
    purpose: "reset",
    personId: String(known?.["id"]),
    createdBy: "cli",
    seconds: 3600,
  });
  return {
    "/": at("/", "/there-is-no-such-page"),
    "/models": at(...fixed("/models")),
    "/models/*": at(
      "/models/openai/gpt-4o-mini",
      "/models/mistral/mistral-large-2512",
      "/models/openai/text-embedding-3-small",
    ),
    "/providers": at("/providers"),
    "/providers/:id": at("/providers/openai", "/providers/bedrock"),
    "/methodology": at("/methodology"),
    "/methodology/:table": at(
      ...fixed("/methodology/").filter((path) => path !== "/methodology/accuracy"),
    ),
    "/methodology/accuracy": at("/methodology/accuracy"),
    "/status": at("/status"),
    "/docs": at("/docs"),
    "/docs/search": at("/docs/search", "/docs/search?q=carbon+budget", "/docs/search?q=qqxyzzy"),
    "/docs/*": at(...leaves.map(({ path }) => path).filter((path) => path !== "/docs")),
    "/login": [...visitor("/login"), ...visitor("/login?unknown=1")],
    "/login/code": visitor("/login/code"),
    "/register": visitor("/register", await house.invite({ email: "new@example.org" })),
    "/reset": [...visitor("/reset"), ...visitor("/reset", `/reset?token=${token}`)],
    "/forgot": visitor("/forgot"),
  };
}

/** Pages of one account, by the path that they are mounted at. */
export function accountPages(of: Tenancy): Record<string, string[]> {
  return {
    "/account": ["/account"],
    "/dashboard": ["/dashboard", "/dashboard?baseline=openai/gpt-4o"],
    "/dashboard/usage": [
      "/dashboard/usage",
      "/dashboard/usage?group=day,model,key,user,maker&provider=openai",
      "/dashboard/usage?model=no/such",
    ],
    "/dashboard/what-if": ["/dashboard/what-if"],
    "/dashboard/transactions": ["/dashboard/transactions", "/dashboard/transactions?user=nobody"],
    "/dashboard/transactions/:id": [
      `/dashboard/transactions/${of.generation}`,
      `/dashboard/transactions/${of.failed}`,
    ],
    "/dashboard/live": ["/dashboard/live"],
    "/dashboard/keys": ["/dashboard/keys"],
    "/dashboard/keys/:hash": [`/dashboard/keys/${of.key}?done=changed`],
    "/dashboard/keys/:hash/delete": [`/dashboard/keys/${of.key}/delete`],
    "/dashboard/routing": ["/dashboard/routing"],
    "/dashboard/budget": ["/dashboard/budget"],
    "/dashboard/provider-keys": ["/dashboard/provider-keys"],
    "/dashboard/provider-keys/new": [
      "/dashboard/provider-keys/new?provider=openai",
      "/dashboard/provider-keys/new?provider=bedrock",
      "/dashboard/provider-keys/new?provider=azure",
    ],
    "/dashboard/provider-keys/:id": [`/dashboard/provider-keys/${of.providerKey}`],
    "/dashboard/provider-keys/:id/delete": [`/dashboard/provider-keys/${of.providerKey}/delete`],
    "/dashboard/webhooks": ["/dashboard/webhooks"],
    "/dashboard/webhooks/:id": [`/dashboard/webhooks/${of.webhook}`],
    "/dashboard/members": ["/dashboard/members"],
    "/dashboard/members/:person/remove": [`/dashboard/members/${of.member}/remove`],
    "/dashboard/credits": ["/dashboard/credits"],
    "/dashboard/credits/buy": ["/dashboard/credits/buy"],
    "/dashboard/credits/buy/:id": [`/dashboard/credits/buy/${of.purchase}`],
    "/dashboard/statements": ["/dashboard/statements"],
    "/dashboard/statements/:month": [`/dashboard/statements/${of.month}`],
    "/dashboard/audit": ["/dashboard/audit"],
  };
}

/** Pages of who runs the gateway. */
export function operatorPages(of: Tenancy): Record<string, string[]> {
  return {
    "/operator": ["/operator"],
    "/operator/accounts/:id": [`/operator/accounts/${of.accountId}`],
    "/operator/invitations": ["/operator/invitations"],
    "/operator/providers": ["/operator/providers"],
    "/operator/providers/:id": ["/operator/providers/openai"],
    "/operator/catalogue": ["/operator/catalogue"],
    "/operator/catalogue/*": ["/operator/catalogue/google/gemini-3.7-flash"],
    "/operator/configuration": ["/operator/configuration"],
    "/operator/system": ["/operator/system"],
    "/operator/statements": ["/operator/statements"],
    "/operator/statements/:month": [`/operator/statements/${of.month}`],
    "/operator/audit": ["/operator/audit"],
    "/operator/welcome": ["/operator/welcome"],
  };
}

/** The same address for another account than the one chosen last. */
export function forAccount(path: string, accountId: string): string {
  return `${path}${path.includes("?") ? "&" : "?"}account=${accountId}`;
}

/** Every page there is, of the account that people have, by the path that it is mounted at. */
export async function everyPage({
  house,
  lived,
  closedId,
}: FullHouse): Promise<Record<string, Sample[]>> {
  const own = { ...accountPages(lived), ...operatorPages(lived) };
  const pages: Record<string, Sample[]> = {
    ...(await commonPages(house)),
    ...Object.fromEntries(
      Object.entries(own).map(([route, paths]) => [route, paths.map((path) => ({ path }))]),
    ),
  };
  pages["/account"]?.push({ path: "/account", who: "vera" });
  pages["/dashboard/budget"]?.push({ path: "/dashboard/budget", who: "vera" });
  pages["/operator/accounts/:id"]?.push({ path: `/operator/accounts/${closedId}` });
  return pages;
}

/** Cookies of somebody, as Chromium takes them. */
export function cookiesOf({ cookies }: Browser, url: string) {
  return [...cookies].map(([name, value]) => ({ name, value, url }));
}
