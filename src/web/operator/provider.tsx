import { withoutSecrets } from "#src/config/show.ts";
import { faultsAmong } from "#src/ledger/last-faults.ts";
import type { Probe } from "#src/provider/probe.ts";
import { Desktop } from "#src/web/dashboard/frame.tsx";
import type { Guest, Outcome } from "#src/web/dashboard/room.ts";
import { figure } from "#src/web/format.ts";
import { Table } from "#src/web/layout.tsx";
import { Facts } from "#src/web/operator/fields.tsx";
import { daysSince, type ProviderFacts } from "#src/web/operator/provider-facts.ts";
import { Keys, regionsOf, Slots } from "#src/web/operator/provider-tables.tsx";
import { Credential, operatorProviderPath } from "#src/web/operator/providers.tsx";
import { Sheet as Form } from "#src/web/people/form.tsx";
import { moment, providerPath, State } from "#src/web/public/words.tsx";
import { stateOf } from "#src/web/public/providers.tsx";
import type { Deployment } from "#src/provider/deployment.ts";
import { SheetTable } from "#src/web/sheet.tsx";

/** A place that was asked, and how long its answer took. */
export interface Tried extends Probe {
  milliseconds: number;
}

/** One provider: what leads to it, each region and model with its circuit, stored keys, and a real test. */
export function OperatorProviderPage(props: {
  guest: Guest;
  outcome: Outcome;
  facts: ProviderFacts;
  places: readonly Deployment[];
  tried: readonly Tried[] | undefined;
  file: string | undefined;
  now: number;
}) {
  const { guest, outcome, facts, places, tried, file, now } = props;
  const { provider, described, fault, pricesRead } = facts;
  const crowd = described.in_flight;
  return (
    <Desktop guest={guest} title={provider.name} outcome={outcome}>
      <p class="crumbs">
        <a href="/operator/providers">Providers</a>
      </p>
      {tried === undefined ? null : <Answers tried={tried} />}
      <Facts
        of={[
          ["Id", <code>{provider.id}</code>],
          ["Credential", <Credential facts={facts} />],
          [
            "State",
            described.configured ? <State of={stateOf(described.status)} /> : "cannot be called",
          ],
          [
            "In flight",
            `${figure(crowd.now)}${crowd.limit === null ? ", without a limit" : ` of ${figure(crowd.limit)}`}; ${figure(crowd.waiting)} wait, ${figure(crowd.waited)} waited and ${figure(crowd.refused)} got no place since the start`,
          ],
          [
            "Last error",
            fault === undefined ? (
              `none among the last ${faultsAmong} requests`
            ) : (
              <>
                <code>{fault.reason}</code> of {fault.model} in {fault.region}, {moment(fault.at)},
                request <code>{fault.generationId}</code>
              </>
            ),
          ],
          [
            "Prices",
            pricesRead === undefined
              ? "none was read"
              : `the oldest was read ${pricesRead}, ${daysSince(pricesRead, now)} days ago`,
          ],
          [
            "Settings",
            facts.isConfigured
              ? `[providers.${provider.id}] of ${file ?? "the configuration file"}: read-only here, the file owns it`
              : "none in the configuration file",
          ],
          ["Public page", <a href={providerPath(provider.id)}>{provider.name}</a>],
        ]}
      />
      <h2 id="test">Test</h2>
      <p>
        Asks every place for its list of models, as <code>lowrouter provider test</code> does: that
        proves address and credential, and costs nothing.
      </p>
      <Form action={`${operatorProviderPath(provider.id)}/test`} button="Ask it now" />
      <h2 id="regions">Regions</h2>
      <SheetTable
        caption="Regions, with the grid that their requests are counted with"
        sheet={regionsOf(described.regions, places)}
      />
      <Slots regions={described.regions} />
      <Keys keys={facts.keys} />
    </Desktop>
  );
}

function Answers({ tried }: { tried: readonly Tried[] }) {
  const failed = tried.filter(({ ok }) => !ok).length;
  return (
    <section aria-labelledby="answers" role="status">
      <h2 id="answers">
        {failed === 0 ? "It answered" : `${failed} of ${tried.length} places did not answer well`}
      </h2>
      <Table
        caption="What it answered just now"
        head={
          <tr>
            <th scope="col">Region</th>
            <th scope="col">Answer</th>
            <th scope="col" class="n">
              Status
            </th>
            <th scope="col" class="n">
              Time, ms
            </th>
            <th scope="col">Address</th>
          </tr>
        }
      >
        {tried.map((one) => (
          <tr>
            <th scope="row">
              {one.region}
              {one.credential === undefined ? null : ` with ${one.credential}`}
            </th>
            <td class={one.ok ? "good" : "bad"}>{one.message}</td>
            <td class="n">{one.status ?? "—"}</td>
            <td class="n">{figure(Math.round(one.milliseconds))}</td>
            <td class="long">{withoutSecrets(one.base_url)}</td>
          </tr>
        ))}
      </Table>
    </section>
  );
}
