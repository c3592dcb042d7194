import type { CarbonStanding } from "#src/account/carbon-budget.ts";
import { budgetFields } from "#src/web/dashboard/budget-form.ts";
import { CarbonEnd } from "#src/web/dashboard/carbon-end.tsx";
import { Desktop } from "#src/web/dashboard/frame.tsx";
import { Choice, fillingOf, Group, TextLine } from "#src/web/dashboard/key-lines.tsx";
import { formAt } from "#src/web/dashboard/key-text.ts";
import type { Guest, Outcome } from "#src/web/dashboard/room.ts";
import { figure } from "#src/web/format.ts";
import { Limits, Table } from "#src/web/layout.tsx";
import { Act, Moment, Sheet } from "#src/web/people/form.tsx";

const path = "/dashboard/budget";

/** How much an account may emit, how much of that is left, and what happens at its end. */
export function BudgetPage(props: {
  guest: Guest;
  outcome: Outcome;
  standing: CarbonStanding | undefined;
  alerts: readonly number[];
  methodology: string;
}) {
  const { guest, outcome, standing, alerts, methodology } = props;
  const fill = fillingOf(outcome, budgetFields(standing?.budget));
  return (
    <Desktop
      guest={guest}
      title="Carbon budget"
      lead="Grams of CO2e that all keys of this account together may emit."
      outcome={outcome}
    >
      {standing === undefined ? (
        <p>There is no budget: requests are counted, and none is held back for its carbon.</p>
      ) : (
        <Left standing={standing} methodology={methodology} />
      )}
      <h2 id="change">{standing === undefined ? "Set a budget" : "Change the budget"}</h2>
      <Sheet action={formAt(guest, path)} button="Keep the budget">
        <Group title="How much">
          <TextLine
            fill={fill}
            name="carbon_budget_g"
            label="Grams CO2e"
            mode="decimal"
            hint="What was emitted since the window began counts."
          />
          <Choice
            fill={fill}
            name="carbon_budget_reset"
            label="It begins anew"
            options={[
              ["monthly", "on the first of each month, UTC"],
              ["daily", "each day, UTC"],
            ]}
          />
        </Group>
        <Group title="At its end">
          <CarbonEnd fill={fill} />
        </Group>
      </Sheet>
      {standing === undefined ? null : (
        <Act
          action={formAt(guest, `${path}/lift`)}
          name="lift"
          value="budget"
          button="Lift the budget"
          about=""
        />
      )}
      <h2 id="rules">How it is kept</h2>
      <ul>
        <li>
          Before a request is sent, the most that it may emit is set aside; when it ends, what its
          answer emitted takes its place. Requests at the same time cannot exceed it together.
        </li>
        <li>
          A budget that refuses serves no model whose footprint is not known, for it could not be
          counted. Embeddings have no footprint in the methodology and are served.
        </li>
        <li>A key may have a budget of its own: the one that is reached first decides.</li>
        <li>
          {alerts.length === 0
            ? "The gateway tells nobody before it is used up."
            : `Webhooks are told of carbon_budget.reached at ${listed(alerts)} percent, once each in a window.`}
        </li>
      </ul>
      <Limits />
    </Desktop>
  );
}

function Left({ standing, methodology }: { standing: CarbonStanding; methodology: string }) {
  const { budget, usedG, leftG, resetsAt } = standing;
  const percent = budget.grams === 0 ? 100 : (usedG / budget.grams) * 100;
  const shown = `${figure(Math.min(percent, 999_999))} %`;
  return (
    <>
      <figure class="budget">
        <figcaption>
          <strong>{`${figure(leftG)} g CO2e left`}</strong>
          {` of ${figure(budget.grams)} g; ${shown} is used`}
        </figcaption>
        <meter
          min={0}
          max={100}
          low={80}
          high={99.9}
          optimum={0}
          value={Math.min(100, percent)}
          aria-label="Share of the budget that is used"
        >
          {shown}
        </meter>
      </figure>
      <Table
        caption="The budget in the window that runs"
        head={
          <tr>
            <th scope="col">What</th>
            <th scope="col" class="n">
              g CO2e
            </th>
          </tr>
        }
      >
        <tr>
          <th scope="row">Budget</th>
          <td class="n">{figure(budget.grams)}</td>
        </tr>
        <tr>
          <th scope="row">Used</th>
          <td class="n">{figure(usedG)}</td>
        </tr>
        <tr>
          <th scope="row">Left</th>
          <td class="n">{figure(leftG)}</td>
        </tr>
      </Table>
      <p class="small soft">
        {`By ${methodology}, on annual averages of the grids. It begins anew `}
        <Moment at={resetsAt} why="It has no end" />.
        {percent > 100
          ? " More is used than the budget: it was made smaller, or answers emitted more than was set aside."
          : ""}
      </p>
    </>
  );
}

function listed(alerts: readonly number[]): string {
  const last = alerts.at(-1);
  return alerts.length === 1 ? String(last) : `${alerts.slice(0, -1).join(", ")} and ${last}`;
}
