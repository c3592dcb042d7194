import type { NanoUnits } from "#src/ledger/money.ts";

/** What is secret of a credential. */
export type Secret =
  | { kind: "key"; key: string }
  | { kind: "aws"; accessKeyId: string; secretAccessKey: string; sessionToken?: string }
  /** The JSON text of a service account. */
  | { kind: "google"; json: string };

/** A credential of a provider, without its secret: an account's own, or the operator's. Empty lists allow all. */
export interface ProviderKey {
  /** `pk_…` */
  id: string;
  /** Whose own it is; absent: the operator's, for everyone. */
  accountId?: string;
  /** Provider id. */
  provider: string;
  label: string;
  kind: Secret["kind"];
  /** All of the secret that is shown: `sk-...AbCd`. */
  shown: string;
  /** How often it is taken among its like. */
  weight: number;
  rpmLimit?: number;
  baseUrl?: string;
  region?: string;
  /** Name of the one deployment that it is for, at Azure. */
  deployment?: string;
  supportedModels: string[];
  /** The operator's keys never stand in for it. */
  alwaysUse: boolean;
  /** It stands in for the operator's keys, and is not preferred to them. */
  isFallback: boolean;
  disabled: boolean;
  allowedModels: string[];
  allowedApiKeyHashes: string[];
  /** At the provider's price. */
  dailyBudget?: NanoUnits;
  monthlyBudget?: NanoUnits;
  createdAt: number;
  updatedAt?: number;
  lastUsedAt?: number;
}

/** What the maker of a key decides; the rest is without limits. */
export type ProviderKeyPolicy = Omit<
  ProviderKey,
  "id" | "accountId" | "provider" | "kind" | "shown" | "createdAt" | "updatedAt" | "lastUsedAt"
>;
/** A change of a key: absent leaves, undefined removes. */
export type ProviderKeyChange = Partial<ProviderKeyPolicy>;

/** How a secret is shown ever after: its beginning and its last four characters. */
export function shownOf(secret: Secret): string {
  if (secret.kind === "google") return "service account";
  const text = secret.kind === "aws" ? secret.accessKeyId : secret.key;
  // Of a short one, that would be too much.
  return text.length < 16 ? "..." : `${text.slice(0, 3)}...${text.slice(-4)}`;
}
