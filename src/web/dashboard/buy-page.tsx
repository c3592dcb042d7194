import { toUnits } from "#src/ledger/money.ts";
import type { Payments } from "#src/payment/payments.ts";
import { digitsOf } from "#src/payment/minor.ts";
import { feeOf, type Purchase } from "#src/payment/purchase.ts";
import { Desktop } from "#src/web/dashboard/frame.tsx";
import { formAt, money, pageAt } from "#src/web/dashboard/key-text.ts";
import type { Guest, Outcome } from "#src/web/dashboard/room.ts";
import { Moment, Sheet } from "#src/web/people/form.tsx";

const credits = "/dashboard/credits";

/** How much to buy. */
export function BuyPage(props: { guest: Guest; outcome: Outcome; terms: Payments["terms"] }) {
  const { guest, outcome, terms } = props;
  const { minAmount, maxAmount, feePct, currency } = terms;
  const example = Math.min(maxAmount, Math.max(minAmount, 20));
  return (
    <Desktop
      guest={guest}
      title="Buy credit"
      lead={`For ${guest.visitor.account.name}. You pay at Stripe, which sees your email address and the amount; card numbers never come here.`}
      outcome={outcome}
    >
      <Sheet action={formAt(guest, `${credits}/buy`)} button="Go on to payment">
        <p class="line">
          <label for="amount">{`Amount to pay, ${currency}`}</label>
          <input
            id="amount"
            name="amount"
            value={outcome.form?.get("amount") ?? String(example)}
            inputmode="decimal"
            autocomplete="off"
            required
            maxlength={20}
            aria-describedby="amount-hint"
            aria-invalid={outcome.param === "amount" ? "true" : undefined}
          />
          <span class="small soft" id="amount-hint">
            {`From ${money(minAmount)} to ${money(maxAmount)}. `}
            {feePct === 0
              ? "All of it becomes credit."
              : `${feePct} % of it is a fee; the rest becomes credit.`}
          </span>
        </p>
      </Sheet>
      <p class="small soft">
        Credit does not expire. It is there when Stripe says that it was paid, which with a card
        takes seconds, and with a bank transfer days.
      </p>
      <p>
        <a href={pageAt(guest, credits)}>Back to credits</a>
      </p>
    </Desktop>
  );
}

/** The step out to Stripe: a link, since a form may lead nowhere else. */
export function ToStripePage(props: { guest: Guest; purchase: Purchase; url: string }) {
  const { guest, purchase, url } = props;
  return (
    <Desktop
      guest={guest}
      title="Pay at Stripe"
      lead={`You pay ${priceOf(purchase)} and get ${creditOf(purchase)} of credit${feeIn(purchase)}. Stripe leads you back here.`}
    >
      <p>
        <a class="button primary" href={url} rel="noreferrer">
          {`Continue to ${new URL(url).host}`}
        </a>
      </p>
      <p>
        <a href={pageAt(guest, `${credits}/buy`)}>Another amount</a>
      </p>
    </Desktop>
  );
}

/** What became of a purchase, as far as Stripe told us: what a browser brings back proves nothing. */
export function PurchasePage({ guest, purchase }: { guest: Guest; purchase: Purchase }) {
  const { id, state, returned, createdAt } = purchase;
  const isOpen = state === "open";
  return (
    <Desktop guest={guest} title={titles[state]} lead={leadOf(purchase)}>
      <dl class="facts">
        <dt>Price</dt>
        <dd>{priceOf(purchase)}</dd>
        <dt>Credit</dt>
        <dd>{creditOf(purchase)}</dd>
        {feeOf(purchase) === 0 ? null : (
          <>
            <dt>Fee</dt>
            <dd>{feeText(purchase)}</dd>
          </>
        )}
        {returned === 0 ? null : (
          <>
            <dt>{state === "held" ? "Paid back" : "Taken back"}</dt>
            <dd>{`${money(toUnits(returned))} ${purchase.currency}`}</dd>
          </>
        )}
        <dt>Begun</dt>
        <dd>
          <Moment at={createdAt} why="" />
        </dd>
        <dt>Purchase</dt>
        <dd>
          <code>{id}</code>
        </dd>
      </dl>
      <p>
        {isOpen ? (
          <a class="button primary" href={pageAt(guest, `${credits}/buy/${id}`)}>
            Look again
          </a>
        ) : null}{" "}
        <a class="button" href={pageAt(guest, credits)}>
          Credits
        </a>
      </p>
    </Desktop>
  );
}

const titles: Readonly<Record<Purchase["state"], string>> = {
  open: "Waiting for the payment",
  paid: "The credit is there",
  refunded: "Refunded",
  disputed: "Disputed",
  failed: "The payment failed",
  expired: "Not paid",
  held: "Paid, and held",
};

function leadOf(purchase: Purchase): string {
  const { state, amount, returned } = purchase;
  switch (state) {
    case "open":
      return "Stripe has not told us yet that it was paid. With a card that takes seconds, with a bank transfer days. The credit comes by itself: you need not wait here.";
    case "paid":
      return `${creditOf(purchase)} of credit came with this payment.`;
    case "refunded":
      return "The payment went back to who paid, and the credit with it.";
    case "disputed":
      return "The bank of who paid holds the payment back. The credit is taken back, and comes again if the dispute is won.";
    case "failed":
      return "Nothing was paid, and no credit came. You can begin again.";
    case "expired":
      return "The time to pay is over, and no credit came. You can begin again.";
    case "held":
      return returned === amount
        ? "The payment went back to who paid. No credit had come with it: it was more than this account can be granted."
        : "It was paid, and no credit came: it would be more than this account can be granted. The operator of this gateway knows of it, and can pay it back or make room.";
  }
}

/** What of the price is no credit, before it is paid. */
function feeIn(purchase: Purchase): string {
  return feeOf(purchase) === 0 ? "" : `: ${feeText(purchase)} of it is a fee`;
}

function feeText(purchase: Purchase): string {
  return `${money(toUnits(feeOf(purchase)))} ${purchase.currency}`;
}

/** The price as it is paid. */
export function priceOf({ price, currency }: Purchase): string {
  const digits = digitsOf(currency);
  return `${(price / 10 ** digits).toFixed(digits)} ${currency}`;
}

function creditOf({ amount, currency }: Purchase): string {
  return `${money(toUnits(amount))} ${currency}`;
}
