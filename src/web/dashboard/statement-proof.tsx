import { countOf, ledgerText } from "#src/statement/show.ts";
import type { Signed } from "#src/statement/sign.ts";
import type { Statement } from "#src/statement/statement.ts";
import { Head } from "#src/web/dashboard/statement-tables.tsx";
import { Table } from "#src/web/layout.tsx";
import { Source } from "#src/web/sheet.tsx";

/** What the figures are, and are not. */
export function Words({ statement }: { statement: Statement }) {
  const { ghg_protocol: ghg, limits, not_measured: notMeasured, rounding } = statement;
  return (
    <>
      <h2 id="not-measured">Not measured</h2>
      <ul>
        {notMeasured.map((what) => (
          <li>{what}</li>
        ))}
      </ul>
      <h2 id="limits">Limits of the estimate</h2>
      <ul>
        {limits.map((one) => (
          <li>{one}</li>
        ))}
      </ul>
      <h2 id="inventory">In an inventory by the GHG Protocol</h2>
      <p>
        {ghg.scope}, {ghg.category}. Method: {ghg.method.toLowerCase()}.
      </p>
      <ul>
        {ghg.notes.map((note) => (
          <li>{note}</li>
        ))}
      </ul>
      <h2 id="rounding">How it was added up</h2>
      <p>{rounding}</p>
    </>
  );
}

/** What proves them. */
export function Proof({ signed, most }: { signed: Signed; most: number }) {
  const { statement, sha256, key, signature } = signed;
  const { ledger, keys_at: keysAt } = statement;
  return (
    <>
      <h2 id="ledger">The ledger behind it</h2>
      <p>{ledger.how}</p>
      <p>{ledgerText(statement)}</p>
      <Table
        caption="Heads of the chains that the rows are in"
        head={
          <Head
            of={["Chain", "Rows", "First place", "Place of the head", "Hash of the head"]}
            text={["Hash of the head"]}
          />
        }
      >
        {ledger.heads.slice(0, most).map((head) => (
          <tr>
            <th scope="row">{head.chain}</th>
            <td class="n">{countOf(head.rows)}</td>
            <td class="n">{countOf(head.first_sequence)}</td>
            <td class="n">{countOf(head.sequence)}</td>
            <td class="long">
              <code>{head.hash}</code>
            </td>
          </tr>
        ))}
      </Table>
      {ledger.heads.length <= most ? null : (
        <p class="small soft">
          The first {countOf(most)} of {countOf(ledger.heads.length)}; the JSON form has all.
        </p>
      )}
      <h2 id="signature">Signature</h2>
      <dl class="facts">
        <dt>SHA-256 of the statement</dt>
        <dd>
          <code>{sha256}</code>
        </dd>
        <dt>Key</dt>
        <dd>
          <code>{key.id}</code>, Ed25519, public part <code>{key.publicKey}</code>
        </dd>
        <dt>Signature</dt>
        <dd>
          <code>{signature}</code>
        </dd>
        <dt>Public keys, retired ones too</dt>
        <dd>
          <Source of={keysAt} words={keysAt} />
        </dd>
      </dl>
      <p>
        <code>lowrouter audit verify FILE --key KEY</code> checks a statement on any machine,
        without a network. A public key that is only read in the statement itself proves that
        nothing was changed since, not who signed: take the key from the gateway.
      </p>
    </>
  );
}
