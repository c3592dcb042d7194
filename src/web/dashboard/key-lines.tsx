import type { Child } from "hono/jsx";
import type { Outcome } from "#src/web/dashboard/room.ts";

/** What stands in the lines of a form: what was sent last, or what holds now. */
export interface Filling {
  /** Name of a field to its text. */
  values: URLSearchParams;
  /** The field at fault, as the API calls it, and what was wrong with it. */
  param?: string | undefined;
  fault?: string | undefined;
}

/** The lines of a form after it was sent, or with what holds now. */
export function fillingOf({ form, param, fault }: Outcome, now = new URLSearchParams()): Filling {
  return { values: form ?? now, param, fault };
}

interface FieldProps {
  fill: Filling;
  name: string;
  label: Child;
  hint?: Child;
}

/** A line of text, or of a number: what it may be is read where it arrives, so that the answer can say what was wrong. */
export function TextLine(
  props: FieldProps & {
    type?: "text" | "password" | "datetime-local";
    mode?: "decimal" | "numeric" | "url";
    /** Id of a list to choose from. */
    list?: string;
    most?: number;
    required?: boolean;
  },
) {
  const { fill, name, type = "text", mode, list, most = 200, required } = props;
  return (
    <Line {...props}>
      <input
        id={name}
        name={name}
        type={type}
        // A secret that was sent is never sent back.
        value={type === "password" ? undefined : (fill.values.get(name) ?? "")}
        inputmode={mode}
        list={list}
        maxlength={most}
        required={required}
        // To the minute where nobody set seconds, and what a field shows, it takes back.
        step={type === "datetime-local" ? "any" : undefined}
        autocomplete="off"
        spellcheck={false}
        {...marks(props)}
      />
    </Line>
  );
}

/** Several lines of text, such as a list or a file. A secret is left empty whatever was sent. */
export function TextBlock(props: FieldProps & { rows: number; secret?: boolean }) {
  const { fill, name, rows, secret } = props;
  return (
    <Line {...props}>
      <textarea
        id={name}
        name={name}
        rows={rows}
        autocomplete="off"
        spellcheck={false}
        {...marks(props)}
      >
        {secret ? "" : (fill.values.get(name) ?? "")}
      </textarea>
    </Line>
  );
}

/** One of several. */
export function Choice(props: FieldProps & { options: readonly (readonly [string, string])[] }) {
  const { fill, name, options } = props;
  const chosen = fill.values.get(name) ?? "";
  return (
    <Line {...props}>
      <select id={name} name={name} {...marks(props)}>
        {options.map(([value, text]) => (
          <option value={value} selected={value === chosen}>
            {text}
          </option>
        ))}
      </select>
    </Line>
  );
}

/** Yes or no. `value` where several of one name may be chosen. */
export function Check(props: FieldProps & { value?: string }) {
  const { fill, name, label, hint, value = "on" } = props;
  const id = value === "on" ? name : `${name}-${value}`;
  return (
    <p class="check">
      <label for={id}>
        <input
          id={id}
          type="checkbox"
          name={name}
          value={value}
          checked={fill.values.getAll(name).includes(value)}
          aria-describedby={hint === undefined ? undefined : `${id}-hint`}
        />{" "}
        {label}
      </label>
      {hint === undefined ? null : (
        <span class="small soft" id={`${id}-hint`}>
          {hint}
        </span>
      )}
    </p>
  );
}

/** Fields of one subject. */
export function Group({ title, children }: { title: string; children: Child }) {
  return (
    <fieldset>
      <legend>{title}</legend>
      {children}
    </fieldset>
  );
}

/** What a line with that `list` may be filled from; anything else may be typed. */
export function Suggestions({ id, of }: { id: string; of: Iterable<string> }) {
  return (
    <datalist id={id}>
      {[...of].map((one) => (
        <option value={one}></option>
      ))}
    </datalist>
  );
}

function Line({ fill, name, label, hint, children }: FieldProps & { children: Child }) {
  return (
    <p class="line">
      <label for={name}>{label}</label>
      {children}
      {isWrong(fill, name) ? (
        <span class="small bad" id={`${name}-fault`}>
          {`${fill.fault ?? "This cannot be used"}. `}
        </span>
      ) : null}
      {hint === undefined ? null : (
        <span class="small soft" id={`${name}-hint`}>
          {hint}
        </span>
      )}
    </p>
  );
}

/** What assistive technology is told of a field. */
function marks({ fill, name, hint }: FieldProps) {
  const wrong = isWrong(fill, name);
  const about = [...(wrong ? [`${name}-fault`] : []), ...(hint ? [`${name}-hint`] : [])];
  return {
    "aria-invalid": wrong ? ("true" as const) : undefined,
    "aria-describedby": about.length === 0 ? undefined : about.join(" "),
  };
}

/** The member of a list, as in `allowed_models.0`, is the list's fault. */
function isWrong({ param }: Filling, name: string): boolean {
  return param === name || (param?.startsWith(`${name}.`) ?? false);
}
