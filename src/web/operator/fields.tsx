import type { Child } from "hono/jsx";
import { fromUnits, type NanoUnits, toUnits } from "#src/ledger/money.ts";
import { AppError } from "#src/lib/error.ts";
import { field } from "#src/web/people/respond.ts";

/** One of a few things to choose from, with its label. */
export function Choose(props: {
  name: string;
  label: string;
  options: readonly (readonly [value: string, words: string])[];
  now?: string;
  /** Keeps ids apart where a page asks for the same thing twice. */
  part?: string;
}) {
  const { name, label, options, now, part = "" } = props;
  const id = `${part}${name}`;
  return (
    <p class="line">
      <label for={id}>{label}</label>
      <select id={id} name={name}>
        {options.map(([value, words]) => (
          <option value={value} selected={value === now}>
            {words}
          </option>
        ))}
      </select>
    </p>
  );
}

/** A figure to fill in, with its unit in the label. */
export function Figure(props: {
  name: string;
  label: string;
  value?: string;
  hint?: string;
  optional?: boolean;
  mode?: "decimal" | "numeric";
  part?: string;
}) {
  const { name, label, value, hint, optional, mode = "decimal", part = "" } = props;
  const id = `${part}${name}`;
  return (
    <p class="line">
      <label for={id}>{label}</label>
      <input
        id={id}
        name={name}
        value={value}
        inputmode={mode}
        autocomplete="off"
        required={!optional}
        maxlength={20}
        aria-describedby={hint === undefined ? undefined : `${id}-hint`}
      />
      {hint === undefined ? null : (
        <span class="small soft" id={`${id}-hint`}>
          {hint}
        </span>
      )}
    </p>
  );
}

/** Links to the pages of a list that begins with the newest. */
export function Pager(props: { path: string; query: URLSearchParams; next: string | undefined }) {
  const { path, query, next } = props;
  const first = new URLSearchParams(query);
  first.delete("after");
  const further = new URLSearchParams(first);
  if (next !== undefined) further.set("after", next);
  if (!query.has("after") && next === undefined) return null;
  const link = (search: URLSearchParams) => (search.size === 0 ? path : `${path}?${search}`);
  return (
    <nav class="pages" aria-label="Pages of the list">
      {query.has("after") ? <a href={link(first)}>From the beginning</a> : null}
      {next === undefined ? null : (
        <a href={link(further)} rel="next">
          Further
        </a>
      )}
    </nav>
  );
}

/** Facts in two columns; what is undefined is left out. */
export function Facts({ of }: { of: readonly (readonly [name: string, value: Child])[] }) {
  return (
    <dl class="facts">
      {of.map(([name, value]) =>
        value === undefined ? null : (
          <>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </>
        ),
      )}
    </dl>
  );
}

/** Something that is shown this once, to be handed over. */
export function Once({ title, about, secret }: { title: string; about: Child; secret: string }) {
  return (
    <section class="notice" aria-labelledby="once">
      <h2 id="once">{title}</h2>
      <p>{about}</p>
      <p class="secret">
        <code>{secret}</code>
      </p>
    </section>
  );
}

/** Nano-units as people read them, to the millionth where there is one. */
export function money(amount: number): string {
  return toUnits(amount).toLocaleString("en-US", {
    minimumFractionDigits: 2,
    maximumFractionDigits: 6,
  });
}

/** More than this is a slip of the hand. */
const mostUnits = 1_000_000;

/** An amount of a form; nothing where the field may be empty and is. Throws `invalid_value` naming the field. */
export function amountIn(form: URLSearchParams, name: string): NanoUnits | undefined {
  const text = field(form, name, 40);
  if (text === "") return undefined;
  const units = Number(text);
  const isPlain = /^[+-]?(\d+\.?\d*|\.\d+)$/.test(text);
  if (!isPlain || Math.abs(units) > mostUnits)
    throw new AppError(
      "invalid_value",
      `Cannot use "${text.slice(0, 20)}" as an amount: give a figure such as 5.00, up to ${mostUnits.toLocaleString("en-US")}`,
      { param: name },
    );
  return fromUnits(units);
}

/** The first day of the running month, UTC. */
export function monthStart(day: string): string {
  return `${day.slice(0, 7)}-01`;
}
