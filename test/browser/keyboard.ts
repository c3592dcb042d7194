import type { Page, Request, Route } from "playwright-core";
import { password } from "#test/web/people-kit.ts";

/** One thing to do on a page: a form to send, a button to press, a link to follow, a part to open. */
interface Thing {
  at: number;
  /** The same for things that differ in what they name alone. */
  kind: string;
  what: "form" | "button" | "link" | "details";
}

/** What has the focus. */
interface Focus {
  is: "it" | "field" | "other";
  id: number;
  name: string;
  type: string;
  value: string;
  checked: boolean;
  index: number;
  count: number;
  least: number;
  readOnly: boolean;
}

interface Meaning {
  method: string;
  /** Address, with the fields of a form that is asked for by GET. */
  url: string;
  /** Fields of a form, as a browser writes them. */
  body?: string;
  /** Fields that the browser would not send. */
  wrong?: string[];
}

/** What was done so far, and what went wrong with it. */
export interface Worked {
  /** Kinds of things. */
  done: Set<string>;
  /** Method and path of each form that was sent. */
  sent: Set<string>;
  wrong: string[];
}

const source = await Bun.file(`${import.meta.dir}/keyboard-page.js`).text();
/** A date in all of its parts takes three presses of Tab; a list has a box for each model. */
const mostPresses = 900;

/**
 * Does by keyboard alone what can be done on a page, once for each kind of thing: goes through the fields of each form and
 * changes every one, presses its button, and compares what is sent with what the form stands for; the same with buttons,
 * links, and parts that open. Nothing comes to the gateway: each request is answered with nothing here, and the page stays.
 */
export async function workByKeyboard(page: Page, worked: Worked): Promise<void> {
  await page.evaluate(source);
  const asked: Request[] = [];
  const hold = async (route: Route) => {
    asked.push(route.request());
    await route.fulfill({ status: 204 });
  };
  await page.route("**/*", hold);
  const about = new URL(page.url()).pathname;
  const work = async (isMeant: (thing: Thing) => boolean) => {
    const things: Thing[] = await tell(page, `todo(${JSON.stringify([...worked.done])})`);
    for (const thing of things.filter(isMeant)) {
      worked.done.add(thing.kind);
      const wrong = await doIt(page, thing, asked, worked.sent);
      if (wrong !== "") worked.wrong.push(`${about}: ${thing.kind}: ${wrong}`);
    }
  };
  await work(({ what }) => what === "details");
  // What they hide is there to do as well, also where such parts were opened on another page.
  await page.evaluate(
    `document.querySelectorAll("details").forEach((one) => { one.open = true; })`,
  );
  await work(({ what }) => what !== "details");
  await page.unroute("**/*", hold);
}

/** Does a thing; what is wrong with it, or nothing. */
async function doIt(
  page: Page,
  { at, what }: Thing,
  asked: Request[],
  sent: Set<string>,
): Promise<string> {
  await tell(page, `before(${at})`);
  const met = new Set<number>();
  for (let press = 0; press < mostPresses; press++) {
    await page.keyboard.press("Tab");
    const focus: Focus = await tell(page, `focus(${at})`);
    if (focus.is === "it") return pressIt(page, at, what, asked, sent);
    if (focus.is === "field" && !met.has(focus.id)) {
      const wrong = await change(page, at, focus);
      if (wrong !== "") return wrong;
    }
    met.add(focus.id);
  }
  return "Tab does not come to it";
}

async function pressIt(
  page: Page,
  at: number,
  what: Thing["what"],
  asked: Request[],
  sent: Set<string>,
): Promise<string> {
  const [meaning, before] = await Promise.all([
    tell<Meaning>(page, `means(${at})`),
    tell<string>(page, `state(${at})`),
  ]);
  if (meaning.wrong !== undefined && meaning.wrong.length > 0)
    return `not to be sent with ${meaning.wrong.join(", ")}`;
  asked.length = 0;
  await page.keyboard.press("Enter");
  const found = await until(async () => {
    const request = asked.find((one) => ["document", "fetch"].includes(one.resourceType()));
    if (request !== undefined) return request;
    return (await tell<string>(page, `state(${at})`)) === before ? undefined : "changed";
  });
  if (found === undefined) return "nothing comes of Enter";
  if (found === "changed") return what === "form" ? "sends nothing" : "";
  const was = [found.method(), found.url(), found.postData() ?? ""];
  const { method, url, body } = meaning;
  // A button of a script asks for what it likes.
  if (url === "") return "";
  if (what === "form") sent.add(`${method} ${new URL(url).pathname}`);
  const meant = [method, url.split("#")[0], body ?? (method === "POST" ? was[2] : "")];
  return meant.every((one, part) => plain(one) === plain(was[part]))
    ? ""
    : `sends ${JSON.stringify(was)}, not ${JSON.stringify(meant)}`;
}

/** A form's fields in one way of writing them. */
function plain(text: string | undefined): string {
  return (text ?? "").replaceAll("%0D%0A", "%0A").replaceAll("%20", "+");
}

/** Changes the field that has the focus; what is wrong, or nothing. */
async function change(page: Page, at: number, focus: Focus): Promise<string> {
  const { type, name, index, count } = focus;
  if (focus.readOnly) return "";
  const { keyboard } = page;
  if (type === "checkbox") await keyboard.press("Space");
  else if (type === "select") {
    if (count < 2) return "";
    await keyboard.press(index < count - 1 ? "ArrowDown" : "ArrowUp");
  } else if (type === "date") await keyboard.type("01022026");
  else if (type === "datetime-local") {
    await keyboard.type("01022027");
    await keyboard.press("ArrowRight");
    await keyboard.type("0304AM");
  } else {
    await keyboard.press("Control+A");
    await keyboard.type(typed(focus));
  }
  const now: Focus = await tell(page, `focus(${at})`);
  const wanted: Record<string, unknown> = {
    checkbox: [!focus.checked],
    select: [true],
    date: ["2026-01-02"],
    "datetime-local": ["2027-01-02T03:04"],
  };
  const is: Record<string, unknown> = { checkbox: [now.checked], select: [now.index !== index] };
  const [want, got] = [wanted[type] ?? [typed(focus)], is[type] ?? [now.value]];
  return JSON.stringify(want) === JSON.stringify(got)
    ? ""
    : `${name} takes ${JSON.stringify(got)}, not ${JSON.stringify(want)}`;
}

/** What somebody types into a field: what is there already, or something that its kind allows. */
function typed({ type, value, name, least }: Focus): string {
  if (value !== "") return value;
  if (type === "email") return "new.person@example.org";
  if (type === "url") return "https://example.org/there";
  if (type === "number") return "3";
  if (type === "password") return password;
  if (/amount|usd|limit|days|code/.test(name)) return "123456".slice(0, Math.max(least, 2));
  return "by keyboard";
}

function tell<T>(page: Page, call: string): Promise<T> {
  return page.evaluate(`byKeyboard.${call}`);
}

/** What comes within two seconds. */
async function until<T>(look: () => Promise<T | undefined>): Promise<T | undefined> {
  for (let turn = 0; turn < 200; turn++) {
    const found = await look();
    if (found !== undefined) return found;
    await Bun.sleep(10);
  }
  return undefined;
}
