import type { Generation } from "#src/ledger/generation.ts";
import { toUnits } from "#src/ledger/money.ts";
import { rfc3339 } from "#src/lib/clock.ts";
import { statuses } from "#src/web/dashboard/requests-filter.ts";
import type { Column } from "#src/web/sheet.tsx";

const longestWord = 48;

/** The page of one request. Says which account, so that a choice made in another tab does not hide it. */
export function requestPath(id: string, accountId: string): string {
  return `/dashboard/transactions/${encodeURIComponent(id)}?account=${encodeURIComponent(accountId)}`;
}

/** When a request came in, to the second, as the link to its page. */
export function RequestLink({ row }: { row: Pick<Generation, "id" | "accountId" | "createdAt"> }) {
  const text = rfc3339(row.createdAt);
  return (
    <a href={requestPath(row.id, row.accountId)}>
      <time datetime={text}>
        <span class="day">{text.slice(0, 10)}</span> {text.slice(11, 19)}
      </time>
    </a>
  );
}

/** How a request ended, in words. */
export function Ending({ row }: { row: Pick<Generation, "status" | "errorCode"> }) {
  const { status, errorCode } = row;
  return (
    <span class={status === "ok" ? "good" : status === "client_cancelled" ? "warn" : "bad"}>
      {statuses[status]}
      {errorCode === undefined ? null : (
        <>
          <br />
          <code>{errorCode}</code>
        </>
      )}
    </span>
  );
}

/** What a cell is about, and below it what belongs to that, as far as it is known. */
function Below({ of, words }: { of: string; words: readonly (string | undefined)[] }) {
  const known = words.filter((word) => word !== undefined);
  return (
    <>
      {of}
      {known.length === 0 ? null : (
        <>
          <br />
          <span class="small soft">{known.map(shortened).join(", ")}</span>
        </>
      )}
    </>
  );
}

/** What a client calls a user or an app may be long: the page of the request has all of it. */
function shortened(text: string): string {
  return text.length > longestWord ? `${text.slice(0, longestWord - 1)}…` : text;
}

/** Why a figure of a request is missing. */
export const missing = {
  model: "No model answered",
  place: "No provider was asked",
  tokens: "The provider told no token counts",
  cost: "The price or the token counts are not known",
  user: "The request named no user",
  app: "The request named no app",
  eco: "No estimate: the size of the model, its grid or the token counts are not known",
} as const;

/** What is listed of requests. Money in the currency, energy in Wh, carbon in g CO2e. */
export function requestColumns(currency: string): readonly Column<Generation>[] {
  return [
    {
      name: "created_at",
      title: "Accepted, UTC",
      kind: "short",
      value: (row) => rfc3339(row.createdAt),
      show: (row) => <RequestLink row={row} />,
    },
    { name: "completed_at", value: (row) => rfc3339(row.completedAt) },
    { name: "generation_id", value: (row) => row.id },
    { name: "completion_id", value: (row) => row.completionId ?? null },
    {
      name: "status",
      title: "Status",
      kind: "list",
      value: (row) => row.status,
      show: (row) => <Ending row={row} />,
    },
    { name: "error_code", value: (row) => row.errorCode ?? null },
    { name: "settlement", value: (row) => row.settlement },
    {
      name: "model",
      title: "Model",
      kind: "long",
      value: (row) => row.model ?? null,
      show: (row) => <Below of={row.model ?? ""} words={[row.provider, row.region]} />,
      why: ({ requestedModel }) =>
        requestedModel === undefined
          ? missing.model
          : `${missing.model}: ${requestedModel} was asked for`,
    },
    { name: "requested_model", value: (row) => row.requestedModel ?? null },
    { name: "provider", value: (row) => row.provider ?? null },
    { name: "region", value: (row) => row.region ?? null },
    {
      name: "prompt_tokens",
      title: "Tokens in",
      kind: "figure",
      value: ({ tokens }) => (tokens ? promptOf(tokens) : null),
      why: missing.tokens,
    },
    {
      name: "completion_tokens",
      title: "Tokens out",
      kind: "figure",
      value: ({ tokens }) => (tokens ? tokens.outputVisible + tokens.reasoning : null),
      why: missing.tokens,
    },
    { name: "cached_tokens", value: ({ tokens }) => tokens?.cacheRead ?? null },
    {
      name: "cache_write_tokens",
      value: ({ tokens }) => (tokens ? tokens.cacheWrite5m + tokens.cacheWrite1h : null),
    },
    { name: "reasoning_tokens", value: ({ tokens }) => tokens?.reasoning ?? null },
    {
      name: "cost",
      title: `Cost, ${currency}`,
      kind: "figure",
      value: ({ cost }) => (cost === undefined ? null : toUnits(cost)),
      why: missing.cost,
    },
    {
      name: "upstream_cost",
      value: ({ upstreamCost }) => (upstreamCost === undefined ? null : toUnits(upstreamCost)),
    },
    { name: "is_byok", value: (row) => row.isByok },
    {
      name: "carbon_g",
      title: "g CO2e",
      kind: "figure",
      value: (row) => row.carbonG ?? null,
      why: missing.eco,
    },
    {
      name: "energy_wh",
      title: "Energy, Wh",
      kind: "figure",
      value: (row) => row.energyWh ?? null,
      why: missing.eco,
    },
    { name: "carbon_per_1k_tokens_g", value: (row) => row.carbonPer1kG ?? null },
    { name: "accuracy", value: (row) => row.accuracy ?? null },
    { name: "methodology_version", value: (row) => row.methodology ?? null },
    { name: "grid_g_per_kwh", value: (row) => row.gridGPerKwh ?? null },
    { name: "grid_zone", value: (row) => row.gridZone ?? null },
    {
      name: "latency_ms",
      title: "Latency, ms",
      kind: "figure",
      value: (row) => row.latencyMs,
    },
    { name: "streamed", value: (row) => row.streamed },
    {
      name: "key_name",
      title: "Key, user, app",
      kind: "long",
      value: (row) => row.keyName,
      show: (row) => <Below of={row.keyName} words={[row.user, row.app]} />,
    },
    { name: "key_id", value: (row) => row.keyId },
    { name: "user", value: (row) => row.user ?? null },
    { name: "app", value: (row) => row.app ?? null },
    { name: "dialect", value: (row) => row.dialect },
  ];
}

/** All prompt tokens, cached ones included. */
export function promptOf(tokens: NonNullable<Generation["tokens"]>): number {
  return tokens.inputFresh + tokens.cacheRead + tokens.cacheWrite5m + tokens.cacheWrite1h;
}
