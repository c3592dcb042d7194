import { isAtLeast, type Role, type Visitor } from "#src/account/people/person.ts";

/** A page that the dashboard's navigation leads to. */
export interface Place {
  path: string;
  name: string;
  /** Who it exists for. */
  least: Role | "operator";
}

const places: readonly Place[] = [
  { path: "/dashboard", name: "Overview", least: "member" },
  { path: "/dashboard/usage", name: "Usage", least: "member" },
  { path: "/dashboard/what-if", name: "What if", least: "member" },
  { path: "/dashboard/transactions", name: "Requests", least: "member" },
  { path: "/dashboard/live", name: "Live", least: "member" },
  { path: "/dashboard/keys", name: "Keys", least: "member" },
  { path: "/dashboard/routing", name: "Routing", least: "admin" },
  { path: "/dashboard/budget", name: "Carbon budget", least: "admin" },
  { path: "/dashboard/provider-keys", name: "Provider keys", least: "admin" },
  { path: "/dashboard/webhooks", name: "Webhooks", least: "admin" },
  { path: "/dashboard/credits", name: "Credits", least: "admin" },
  { path: "/dashboard/members", name: "Members", least: "admin" },
  { path: "/dashboard/audit", name: "Audit log", least: "admin" },
  { path: "/dashboard/statements", name: "Statements", least: "admin" },
];

const operatorPlaces: readonly Place[] = [
  { path: "/operator", name: "Accounts", least: "operator" },
  { path: "/operator/invitations", name: "Invitations", least: "operator" },
  { path: "/operator/providers", name: "Providers", least: "operator" },
  { path: "/operator/catalogue", name: "Catalogue", least: "operator" },
  { path: "/operator/configuration", name: "Configuration", least: "operator" },
  { path: "/operator/system", name: "System", least: "operator" },
  { path: "/operator/statements", name: "Statements", least: "operator" },
  { path: "/operator/audit", name: "Audit log", least: "operator" },
];

/** Where a visitor may go in the dashboard of their account. */
export function placesOf(visitor: Visitor): readonly Place[] {
  return places.filter(({ least }) => least !== "operator" && isAtLeast(visitor.role, least));
}

/** Where an operator may go besides; nothing for anybody else. */
export function operatorPlacesOf(visitor: Visitor): readonly Place[] {
  return visitor.person.operator ? operatorPlaces : [];
}
