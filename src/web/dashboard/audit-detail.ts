import type { AuditEntry } from "#src/account/people/audit.ts";
import { toUnits } from "#src/ledger/money.ts";
import { digitsOf } from "#src/payment/minor.ts";
import { amount } from "#src/web/dashboard/usage-words.tsx";

type Detail = NonNullable<AuditEntry["detail"]>;

/** What an entry says besides, for programs: amounts in the currency, as everywhere in the API. */
export function detailRecord(detail: Detail, currency: string): Detail {
  const members = Object.entries(detail).map(([name, value]): [string, Detail[string]] => {
    const money = moneyOf(name, value, currency);
    return money === undefined ? [name, value] : [money.name, toUnits(money.nano)];
  });
  const isMoney = members.some(([name]) => !Object.hasOwn(detail, name));
  return Object.fromEntries(isMoney ? [...members, ["currency", currency]] : members);
}

/** The same for people, in a line. */
export function detailText(detail: Detail, currency: string): string {
  return Object.entries(detail)
    .map(([name, value]) => {
      const money = moneyOf(name, value, currency);
      return money === undefined
        ? `${name.replaceAll("_", " ")} ${String(value)}`
        : `${money.name} ${amount(money.nano)} ${currency}`;
    })
    .join(", ");
}

/** The log keeps amounts as the ledger does, in billionths, or as the payment provider does, in the smallest coin. */
function moneyOf(
  name: string,
  value: Detail[string],
  currency: string,
): { name: string; nano: number } | undefined {
  if (typeof value !== "number") return undefined;
  if (name.endsWith("_nano")) return { name: name.slice(0, -"_nano".length), nano: value };
  if (!name.endsWith("_minor")) return undefined;
  return { name: name.slice(0, -"_minor".length), nano: value * 10 ** (9 - digitsOf(currency)) };
}
