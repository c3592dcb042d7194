import { amountOf, amountRecord, sumOf } from "#src/statement/amount.ts";
import { canonical } from "#src/statement/canonical.ts";
import type { AmountRecord, Part, Statement } from "#src/statement/statement.ts";

/** What does not add up in a statement: every total is the sum of the lines. Empty where all does. */
export function faultsOf(statement: Statement): string[] {
  const { lines, totals, by, sections, without_estimate: without } = statement;
  const faults: string[] = [];
  const hold = (what: string, told: AmountRecord, parts: readonly AmountRecord[]) => {
    const sum = canonical(amountRecord(sumOf(parts.map(amountOf))));
    if (canonical(amountMembers(told)) !== sum) faults.push(what);
  };
  const holdParts = (what: string, groups: Statement["by"], whole: AmountRecord) => {
    for (const name of ["account", "model", "provider", "region"] as const) {
      const group = groups[name];
      if (group !== undefined) hold(`${what} by ${name}`, whole, group);
    }
  };
  hold("the totals", totals, lines);
  holdParts("the totals", by, totals);
  for (const section of sections) {
    const version = section.methodology_version;
    const own = lines.filter((line) => line.methodology_version === version);
    hold(`the section ${version}`, section.totals, own);
    holdParts(`the section ${version}`, section.by, section.totals);
    hold(`the section ${version} by accuracy`, section.totals, section.by.accuracy);
  }
  const none = lines.filter((line) => line.without_estimate !== null);
  const requests = none.reduce((sum, line) => sum + line.requests, 0);
  const tokens = none.reduce((sum, line) => sum + line.tokens.total, 0);
  if (none.some((line) => line.requests_with_estimate > 0)) faults.push("the lines without one");
  if (requests !== without.requests || tokens !== without.tokens)
    faults.push("the requests without an estimate");
  if (statement.ledger.rows !== totals.requests) faults.push("the rows of the ledger");
  return faults;
}

function amountMembers(record: AmountRecord | Part): AmountRecord {
  return {
    requests: record.requests,
    requests_with_estimate: record.requests_with_estimate,
    requests_without_token_counts: record.requests_without_token_counts,
    requests_without_interval: record.requests_without_interval,
    tokens: record.tokens,
    energy: record.energy,
    carbon: record.carbon,
  };
}
