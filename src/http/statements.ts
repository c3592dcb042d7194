import { type AnyElysia, Elysia } from "elysia";
import { VaultError } from "#src/account/vault.ts";
import type { App } from "#src/gateway/context.ts";
import { type ForCaller, requireManagement } from "#src/http/account.ts";
import { json } from "#src/http/respond.ts";
import type { Services } from "#src/http/services.ts";
import { removedUntil } from "#src/ledger/removed-usage.ts";
import { dayOf } from "#src/lib/clock.ts";
import { AppError } from "#src/lib/error.ts";
import { type Month, monthsOf } from "#src/report/months.ts";
import { createUsageReader } from "#src/report/usage.ts";
import { isKept, monthOf, type Month as NamedMonth } from "#src/statement/month.ts";
import { fileKinds, type Issued, nameOf, type StatementShelf } from "#src/statement/open.ts";

/** Footprint statements of the caller's account, for a management key: the months, and the signed files of each. */
export function statementRoutes(app: App, services: Services, forCaller: ForCaller): AnyElysia {
  const { store, statements } = services;
  const reader = createUsageReader({ store, clock: app.clock });
  const months = (request: Request) =>
    forCaller(request, async (caller) => {
      requireManagement(caller);
      const today = dayOf(app.clock.now());
      const { id } = caller.account;
      const rows = await monthsOf(reader, id, today);
      const until = await removedUntil(store, id);
      const kept = rows.filter(({ month }) => isKept(requireMonth(month), until));
      return json({ data: kept.map((row) => monthRecord(row, today.slice(0, 7))) });
    });
  const statement = (request: Request, name: string) =>
    forCaller(request, async (caller, { searchParams: query }) => {
      requireManagement(caller);
      const month = requireMonth(name);
      const format = query.get("format") ?? "json";
      if (!isFormat(format)) throw unknownFormat(format);
      const { account } = caller;
      const allowPartial = partialOf(query);
      return statementFile(
        statements,
        await signed(() => statements.of({ account, month, allowPartial })),
        format,
      );
    });
  const both = (base: "/v1" | "/api/v1"): AnyElysia =>
    new Elysia({ prefix: base })
      .get("/statements", ({ request }) => months(request))
      .get("/statements/:month", ({ request, params }) => statement(request, params.month));
  return new Elysia({ name: "statements" }).use(both("/v1")).use(both("/api/v1"));
}

/** Throws `invalid_value` for a name that is none. */
function requireMonth(name: string): NamedMonth {
  const month = monthOf(name);
  if (month !== undefined) return month;
  throw new AppError(
    "invalid_value",
    `Cannot use "${name.slice(0, 20)}" as a month: one such as 2026-10 is needed`,
    { param: "month" },
  );
}

function partialOf(query: URLSearchParams): boolean {
  const told = query.get("partial") ?? "false";
  if (told === "true" || told === "false") return told === "true";
  throw new AppError(
    "invalid_value",
    `Cannot use "${told.slice(0, 20)}" for partial: true or false is needed`,
    { param: "partial" },
  );
}

function monthRecord(month: Month, running: string) {
  const { requests, withoutEco } = month;
  const isKnown = requests > withoutEco;
  return {
    month: month.month,
    is_over: month.month < running,
    requests,
    requests_without_estimate: withoutEco,
    energy_wh: isKnown ? month.energyWh : null,
    carbon_g: isKnown ? month.carbonG : null,
    methodology_versions: month.methodologies,
  };
}

/** What a statement is asked for as: its files, and the signature that stands beside the CSV. */
export const statementFormats = [...fileKinds, "csv.sig"] as const;
export type StatementFormat = (typeof statementFormats)[number];

/** Whether a statement can be had in this form. */
export function isFormat(format: string): format is StatementFormat {
  return statementFormats.some((one) => one === format);
}

/** What is told to whoever asks for another. */
export function unknownFormat(format: string): AppError {
  const [last, ...others] = statementFormats.toReversed();
  return new AppError(
    "invalid_value",
    `Cannot give a statement as "${format.slice(0, 20)}": take ${others.toReversed().join(", ")} or ${last}`,
    { param: "format" },
  );
}

/** Makes a statement. That the key to sign with cannot be had is no fault of the reader, and said so. */
export async function signed(make: () => Promise<Issued>): Promise<Issued> {
  try {
    return await make();
  } catch (thrown) {
    if (!(thrown instanceof VaultError)) throw thrown;
    throw new AppError(
      "service_unavailable",
      "Cannot sign statements now: the operator has to give the gateway its master key",
      { cause: thrown },
    );
  }
}

/** A statement as a file to keep. */
export async function statementFile(
  shelf: StatementShelf,
  issued: Issued,
  format: StatementFormat,
): Promise<Response> {
  const isSide = format === "csv.sig";
  const { type, bytes, side } = await shelf.fileOf(issued, isSide ? "csv" : format);
  return new Response(isSide ? side : new Uint8Array(bytes), {
    headers: {
      "content-type": isSide ? "application/json" : type,
      "content-disposition": `attachment; filename="${nameOf(issued.statement)}.${format}"`,
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      // To keep, not to look at here; whoever opens it from here all the same has it without any right of ours.
      "content-security-policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'",
    },
  });
}
