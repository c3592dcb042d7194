import type { AccountRouting } from "#src/account/account.ts";
import type { Config } from "#src/config/load.ts";
import type { RouteTable } from "#src/gateway/context.ts";
import { Desktop } from "#src/web/dashboard/frame.tsx";
import { Check, fillingOf, Group, TextBlock } from "#src/web/dashboard/key-lines.tsx";
import { formAt } from "#src/web/dashboard/key-text.ts";
import { PlaceFields } from "#src/web/dashboard/keys-fields.tsx";
import type { Guest, Outcome } from "#src/web/dashboard/room.ts";
import { routingFields } from "#src/web/dashboard/routing-form.ts";
import { Act, Sheet } from "#src/web/people/form.tsx";

/** How an account's requests are routed where no key and no request says more. */
export function RoutingPage(props: {
  guest: Guest;
  outcome: Outcome;
  routing: AccountRouting | undefined;
  gateway: Config["routing"];
  places: RouteTable;
}) {
  const { guest, outcome, routing, gateway, places } = props;
  const fill = fillingOf(outcome, routingFields(routing));
  const path = "/dashboard/routing";
  return (
    <Desktop
      guest={guest}
      title="Routing"
      lead="What holds for all keys of this account, from the next request on."
      outcome={outcome}
    >
      <h2 id="precedence">Who decides</h2>
      <ul>
        <li>
          A policy: the request's, else the key's, else this account's, else the gateway's. Low
          carbon that is preferred here counts where neither request nor key names a policy.
        </li>
        <li>
          A pin to a region: all that are given have to hold. Where they contradict each other, the
          request is refused, and no byte leaves.
        </li>
        <li>
          Allowed providers: only those that request, key and account all allow. Ignored ones: those
          that anybody ignores.
        </li>
        <li>
          Training on your data and retention: what is forbidden here, no key and no request allows.
        </li>
      </ul>
      <p>
        <a href="/docs/guides/routing-rules">All rules</a>
      </p>
      <h2 id="wishes">This account</h2>
      <Sheet action={formAt(guest, path)} button="Change the routing">
        <Group title="Where requests go">
          <PlaceFields fill={fill} places={places} />
        </Group>
        <Group title="Providers">
          <TextBlock
            fill={fill}
            name="allowed_providers"
            label="Only these, one a line"
            rows={3}
            hint="As mistral, or mistral/eu-west for one region. Empty: all."
          />
          <TextBlock
            fill={fill}
            name="ignored_providers"
            label="Never these, one a line"
            rows={3}
          />
        </Group>
        <Group title="Your data">
          <Check
            fill={fill}
            name="data_collection"
            label="Only providers that do not train on it"
          />
          <Check fill={fill} name="zdr" label="Only endpoints that retain nothing" />
        </Group>
      </Sheet>
      {routing === undefined ? null : (
        <Act
          action={formAt(guest, `${path}/lift`)}
          name="lift"
          value="all"
          button="Lift all of it"
          about="and leave routing to keys, requests and the gateway"
        />
      )}
      <h2 id="gateway">The gateway</h2>
      <p>Read-only: the operator sets this in the gateway's configuration, for every account.</p>
      <dl class="facts">
        <dt>Policy</dt>
        <dd>
          <code>{gateway.policy}</code>
        </dd>
        <dt>Where none decides</dt>
        <dd>
          {gateway.strategy === "price"
            ? "the cheaper, the more often"
            : "carbon, price and latency together"}
        </dd>
        <dt>Held in the EU and the EEA</dt>
        <dd>{gateway.euOnly ? "yes, whatever is asked for" : "no"}</dd>
        <dt>Assumed places satisfy pins</dt>
        <dd>{gateway.allowAssumedRegions ? "yes" : "no"}</dd>
        <dt>High carbon goes last</dt>
        <dd>{`above ${gateway.highCarbonGPerKwh} g CO2e per kWh`}</dd>
        <dt>Model where none is named</dt>
        <dd>
          <code>{gateway.defaultModel}</code>
        </dd>
      </dl>
    </Desktop>
  );
}
