import { Choice, type Filling, TextLine } from "#src/web/dashboard/key-lines.tsx";

/** What happens when a carbon budget is used up, of a key or of an account. */
export function CarbonEnd({ fill }: { fill: Filling }) {
  return (
    <>
      <Choice
        fill={fill}
        name="carbon_budget_action"
        label="When it is used up"
        options={[
          ["refuse", "requests are refused"],
          ["route", "only cleaner routes are taken"],
        ]}
      />
      <TextLine
        fill={fill}
        name="carbon_budget_action.route_under_g_per_1k"
        label="Cleaner means at most, g CO2e for 1,000 tokens"
        mode="decimal"
        hint="The pages of the models show it for each of their routes."
      />
    </>
  );
}
