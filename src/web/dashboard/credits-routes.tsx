import type { AnyElysia } from "elysia";
import { isPlace, listMoves, type Move } from "#src/ledger/money-moves.ts";
import { toUnits } from "#src/ledger/money.ts";
import { AppError } from "#src/lib/error.ts";
import { listUnpaid } from "#src/payment/purchase.ts";
import { auditNames } from "#src/web/dashboard/audit-names.ts";
import { CreditsPage, moveColumns } from "#src/web/dashboard/credits.tsx";
import { fileAnswer, formatOf, mostInFile } from "#src/web/dashboard/file.ts";
import { createRoom } from "#src/web/dashboard/room.ts";
import type { Desk } from "#src/web/people/desk.ts";
import { page } from "#src/web/respond.ts";

const path = "/dashboard/credits";
const pageSize = 50;
const shownUnpaid = 10;

/** The balance, and what moved it: every credit by itself, usage by day. */
export function creditsRoom(desk: Desk): AnyElysia {
  const { app, services } = desk;
  const { store } = services;
  const { currency } = app.config.billing;
  return createRoom(desk, "credits", "admin").get(
    path,
    async (guest) => {
      const { searchParams } = guest.url;
      const { id } = guest.visitor.account;
      const before = beforeIn(searchParams);
      const format = formatOf(searchParams);
      const most = format === undefined ? pageSize : mostInFile;
      const moves = await listMoves(store, id, { before, most });
      const names = await auditNames(store, moves.items.flatMap(makerOf), id);
      const columns = moveColumns({ currency, accountId: id, names });
      if (format !== undefined)
        return fileAnswer({
          format,
          name: "credits",
          columns,
          strides: inStrides(moves.items),
          cut: moves.next,
          facts: {
            currency,
            balance: toUnits(moves.balance),
            granted: toUnits(moves.granted),
            used: toUnits(moves.used),
          },
        });
      return page(
        <CreditsPage
          guest={guest}
          moves={moves}
          columns={columns}
          currency={currency}
          before={before}
          unpaid={before === undefined ? await listUnpaid(store, id, { most: shownUnpaid }) : []}
          canBuy={app.config.stripe.secrets !== undefined}
        />,
        { personal: true },
      );
    },
    "Credits",
  ).routes;
}

/** Where the list goes on. Throws `invalid_value`. */
function beforeIn(query: URLSearchParams): string | undefined {
  const text = query.get("before") ?? "";
  if (text === "") return undefined;
  if (isPlace(text)) return text;
  throw new AppError(
    "invalid_value",
    "Cannot continue from there: use the address of the page before",
    { param: "before" },
  );
}

function makerOf(move: Move): string[] {
  return move.kind === "usage" ? [] : [move.by];
}

async function* inStrides(moves: readonly Move[]): AsyncGenerator<readonly Move[]> {
  for (let at = 0; at < moves.length; at += 1000) yield moves.slice(at, at + 1000);
}
