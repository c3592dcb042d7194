import { policies } from "#src/config/schema.ts";
import type { RouteTable } from "#src/gateway/context.ts";
import { CarbonEnd } from "#src/web/dashboard/carbon-end.tsx";
import {
  Check,
  Choice,
  type Filling,
  Group,
  Suggestions,
  TextBlock,
  TextLine,
} from "#src/web/dashboard/key-lines.tsx";

/** What the fields of a key are made with. */
export interface FieldsFor {
  fill: Filling;
  currency: string;
  places: RouteTable;
}

/** Everything that a key may be told, besides its name. Field names are those of `POST /api/v1/keys`. */
export function KeyFields({ fill, currency, places }: FieldsFor) {
  return (
    <>
      <Group title="Spending">
        <TextLine
          fill={fill}
          name="limit"
          label={`Limit, ${currency}`}
          mode="decimal"
          hint="Empty: no limit but the account's credit."
        />
        <Choice
          fill={fill}
          name="limit_reset"
          label="The limit begins anew"
          options={[
            ["", "never: it is for the key's whole life"],
            ["daily", "each day, UTC"],
            ["weekly", "each Monday, UTC"],
            ["monthly", "on the first of each month, UTC"],
          ]}
        />
        <TextLine
          fill={fill}
          name="daily_credit_limit"
          label={`At most a day, ${currency}`}
          mode="decimal"
        />
        <TextLine
          fill={fill}
          name="monthly_credit_limit"
          label={`At most a month, ${currency}`}
          mode="decimal"
        />
      </Group>
      <Group title="What it may call">
        <TextBlock
          fill={fill}
          name="allowed_models"
          label="Models, one a line"
          rows={3}
          hint="As openai/gpt-4o-mini, its name alone, or a pattern such as mistral/*. Empty: all."
        />
        <TextBlock
          fill={fill}
          name="allowed_providers"
          label="Providers, one a line"
          rows={2}
          hint="As mistral, or mistral/eu-west for one region. Empty: all that the account allows."
        />
      </Group>
      <Group title="Where its requests go">
        <PlaceFields fill={fill} places={places} />
        <Check
          fill={fill}
          name="hedge"
          label="Ask a second route when the first is unusually slow"
          hint="The first answer counts, and only that is charged."
        />
      </Group>
      <Group title="How fast">
        <TextLine
          fill={fill}
          name="rate_limit.requests_per_minute"
          label="Requests a minute"
          mode="numeric"
        />
        <TextLine
          fill={fill}
          name="rate_limit.requests_per_day"
          label="Requests a day"
          mode="numeric"
        />
        <TextLine
          fill={fill}
          name="rate_limit.tokens_per_minute"
          label="Tokens a minute"
          mode="numeric"
        />
        <TextLine
          fill={fill}
          name="rate_limit.max_in_flight"
          label="Requests at the same time"
          mode="numeric"
        />
      </Group>
      <Group title="Carbon budget">
        <TextLine fill={fill} name="carbon_budget_g" label="Grams CO2e" mode="decimal" />
        <Choice
          fill={fill}
          name="carbon_budget_reset"
          label="The budget begins anew"
          options={[
            ["monthly", "on the first of each month, UTC"],
            ["daily", "each day, UTC"],
          ]}
        />
        <CarbonEnd fill={fill} />
      </Group>
      <Group title="Until when">
        <TextLine
          fill={fill}
          name="expires_at"
          label="Expires, date and time in UTC"
          type="datetime-local"
          most={30}
          hint="Empty: it does not expire."
        />
      </Group>
    </>
  );
}

/** Pin, policy and low carbon: of a key, and of an account. */
export function PlaceFields({ fill, places }: Pick<FieldsFor, "fill" | "places">) {
  return (
    <>
      <TextLine
        fill={fill}
        name="region"
        label="Pin to a region"
        list="regions"
        hint="As eu-west, eu, country:FR or zone:FRA. Requests never leave it: with nobody left there they are refused."
      />
      <Suggestions id="regions" of={["eu", ...places.regions]} />
      <TextLine
        fill={fill}
        name="policy"
        label="Policy"
        list="policies"
        hint="What goes first: one of the list, as prefer-region:eu-west or fixed-provider:mistral."
      />
      <Suggestions id="policies" of={policiesOf(places)} />
      <Check fill={fill} name="prefer_low_carbon" label="Prefer low carbon" />
    </>
  );
}

function policiesOf({ regions, providers }: RouteTable): string[] {
  return policies.flatMap((policy) => {
    if (policy === "prefer-region") return [...regions].map((region) => `${policy}:${region}`);
    if (policy === "fixed-provider") return [...providers].map((id) => `${policy}:${id}`);
    return [policy];
  });
}
