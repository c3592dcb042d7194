import type { Child } from "hono/jsx";
import { rfc3339 } from "#src/lib/clock.ts";
import { Page, Unknown, type Visit } from "#src/web/layout.tsx";

/** A page with one thing to fill in. */
export function FormPage(props: {
  visit: Visit;
  title: string;
  lead?: Child;
  fault?: string | undefined;
  done?: string | undefined;
  children: Child;
}) {
  const { visit, title, lead, fault, done, children } = props;
  return (
    <Page visit={visit} title={title}>
      <div class="narrow">
        <h1>{title}</h1>
        {lead === undefined ? null : <p class="lead">{lead}</p>}
        <Notes fault={fault} done={done} />
        {children}
      </div>
    </Page>
  );
}

/** What became of the form that was sent. */
export function Notes({ fault, done }: { fault?: string | undefined; done?: string | undefined }) {
  return (
    <>
      {fault === undefined ? null : (
        <p class="notice bad" role="alert">
          {fault}.
        </p>
      )}
      {done === undefined ? null : (
        <p class="notice" role="status">
          {done}.
        </p>
      )}
    </>
  );
}

/** A form that is sent, its fields one below the other. */
export function Sheet(props: {
  action: string;
  button: string;
  children?: Child;
  danger?: boolean;
}) {
  return (
    <form class="sheet" method="post" action={props.action}>
      {props.children}
      <button class={props.danger ? "danger" : "primary"} type="submit">
        {props.button}
      </button>
    </form>
  );
}

/** A line to fill in, with its label and, where it needs one, a hint. */
export function Line(props: {
  name: string;
  label: string;
  type?: "text" | "email" | "password";
  /** What browsers and password managers put there. */
  auto: string;
  value?: string;
  hint?: string;
  least?: number;
  most?: number;
  optional?: boolean;
  mode?: "numeric";
  /** Keeps ids apart where a page asks for the same thing twice. */
  part?: string;
}) {
  const { name, label, type = "text", auto, value, hint, least, most = 200, part = "" } = props;
  const id = `${part}${name}`;
  return (
    <p class="line">
      <label for={id}>{label}</label>
      <input
        id={id}
        name={name}
        type={type}
        value={value}
        autocomplete={auto}
        required={!props.optional}
        minlength={least}
        maxlength={most}
        inputmode={props.mode}
        spellcheck={false}
        autocapitalize={type === "text" ? undefined : "none"}
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

/** One button that does one thing to one row. */
export function Act(props: {
  action: string;
  name: string;
  value: string;
  button: string;
  about: string;
}) {
  const { action, name, value, button, about } = props;
  return (
    <form method="post" action={action}>
      <input type="hidden" name={name} value={value} />
      <button type="submit">
        {button}
        {about === "" ? null : <span class="said"> {about}</span>}
      </button>
    </form>
  );
}

/** A time, to the minute, UTC. */
export function Moment({ at, why }: { at: number | undefined; why: string }) {
  if (at === undefined) return <Unknown why={why} />;
  const text = rfc3339(at);
  return (
    <time datetime={text}>
      <span class="day">{text.slice(0, 10)}</span> {text.slice(11, 16)} UTC
    </time>
  );
}
