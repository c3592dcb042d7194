import { countOf, partName, shareText } from "#src/statement/show.ts";
import type { Statement } from "#src/statement/statement.ts";
import { Head } from "#src/web/dashboard/statement-tables.tsx";
import { Table } from "#src/web/layout.tsx";

/** The requests that are in no sum, and why. */
export function WithoutEstimate({ statement, most }: { statement: Statement; most: number }) {
  const { without_estimate: without, by } = statement;
  const models = by.model.filter((part) => part.without_estimate.requests > 0);
  return (
    <>
      <h2 id="without">Without an estimate</h2>
      {without.requests === 0 ? (
        <p>Every request has an estimate.</p>
      ) : (
        <>
          <p>
            {countOf(without.requests)} requests ({shareText(without.share_of_requests)}) with{" "}
            {countOf(without.tokens)} tokens ({shareText(without.share_of_tokens)}) have none. They
            are in no sum of energy or carbon; unknown is not zero.
          </p>
          <Table
            caption="Why there is no estimate"
            head={<Head of={["Why", "Requests", "Tokens"]} />}
          >
            {without.reasons.map(({ why, requests, tokens }) => (
              <tr>
                <th scope="row" class="list">
                  {why}
                </th>
                <td class="n">{countOf(requests)}</td>
                <td class="n">{countOf(tokens)}</td>
              </tr>
            ))}
          </Table>
          <Table
            caption="Models with requests without an estimate"
            head={<Head of={["Model", "Requests", "Tokens"]} />}
          >
            {models.slice(0, most).map((part) => (
              <tr>
                <th scope="row">{partName("model", part)}</th>
                <td class="n">{countOf(part.without_estimate.requests)}</td>
                <td class="n">{countOf(part.without_estimate.tokens)}</td>
              </tr>
            ))}
          </Table>
        </>
      )}
    </>
  );
}
