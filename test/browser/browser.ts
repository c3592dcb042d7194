import { existsSync, readFileSync } from "node:fs";
import {
  type Browser,
  type BrowserContext,
  chromium,
  type Locator,
  type Page,
} from "playwright-core";

/** Names that Chromium and what is made of it go by. */
const programs = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const onMac = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome";

/** Where a browser is: CHROMIUM says so, else the first of the usual ones; undefined where there is none. */
export function findBrowser(): string | undefined {
  const told = process.env["CHROMIUM"];
  if (told !== undefined) return existsSync(told) ? told : undefined;
  return [...programs.map((name) => Bun.which(name) ?? ""), onMac].find((path) => existsSync(path));
}

function browserPath(): string {
  const found = findBrowser();
  if (found !== undefined) return found;
  throw new Error(
    `Cannot find ${process.env["CHROMIUM"] ?? "a browser"}: install chromium, as with apt-get install chromium, or set CHROMIUM to where one is`,
  );
}

/** How a page is looked at. */
export interface Look {
  /** CSS pixels. */
  width: 320 | 1280;
  scheme: "light" | "dark";
  /** Scripts run unless this says otherwise. */
  script?: false;
}

/** The two widths in both schemes. */
export const looks: readonly Look[] = [
  { width: 320, scheme: "light" },
  { width: 320, scheme: "dark" },
  { width: 1280, scheme: "light" },
  { width: 1280, scheme: "dark" },
];

/** The browser, with one context for each look. close() it: its contexts go, the browser stays for the next file. */
export interface TestBrowser {
  browser: Browser;
  /** A page in the context of a look; the context and its cookies stay for the next. close() the page. */
  open(look: Look): Promise<Page>;
  /** The context of a look, for cookies and permissions. */
  context(look: Look): Promise<BrowserContext>;
  close(): Promise<void>;
}

/** Starting it takes most of a second: all files of tests share one, which ends with their process. */
let shared: Promise<Browser> | undefined;

function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: browserPath(),
    // In a container there is no user namespace to sandbox in, and little shared memory.
    args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
  });
}

/** Starts Chromium, or takes the one that runs; throws where there is none. */
export async function startBrowser(): Promise<TestBrowser> {
  const running = await shared?.catch(() => undefined);
  const browser = running?.isConnected() ? running : await (shared = launch());
  const contexts = new Map<string, Promise<BrowserContext>>();
  const context = (look: Look): Promise<BrowserContext> => {
    const { width, scheme, script } = look;
    const name = `${width} ${scheme} ${script}`;
    const made =
      contexts.get(name) ??
      browser
        .newContext({
          viewport: { width, height: 800 },
          colorScheme: scheme,
          javaScriptEnabled: script ?? true,
          reducedMotion: "reduce",
        })
        .then((fresh) => {
          // What does not come in so long does not come: the test should say which.
          fresh.setDefaultTimeout(15_000);
          return fresh;
        });
    contexts.set(name, made);
    return made;
  };
  return {
    browser,
    context,
    open: async (look) => (await context(look)).newPage(),
    close: async () => {
      await Promise.all(browser.contexts().map((one) => one.close()));
    },
  };
}

/** Clicks, and waits for all of the page that it leads to: a click alone ends with the first bytes of that. */
export async function press(target: Locator): Promise<void> {
  await target.click();
  await target.page().waitForLoadState();
}

/** What of axe's findings is told. */
interface Finding {
  id: string;
  nodes: { target: unknown[] }[];
}

/** Axe itself, the small form of it: reading it costs a page more than most of its rules. */
const axe = readFileSync(
  Bun.resolveSync("axe-core/axe.min.js", Bun.resolveSync("@axe-core/playwright", import.meta.dir)),
  "utf8",
);

/** Every rule of WCAG 2.2 AA, and the practices beyond it. The size of targets is off by default. Stylesheets are not read once more: only the rule about orientation needs them. */
const everyRule = `{ preload: false, resultTypes: ["violations"], rules: { "target-size": { enabled: true } } }`;

/** What axe finds on a page, one line each; nothing on a page that is as it should be. Frames are not looked into: no page has any. */
export async function axeOn(page: Page): Promise<string[]> {
  // What is there from the last look is not sent again.
  if (!(await page.evaluate("typeof axe === 'object'"))) await page.evaluate(axe);
  return findings(page, everyRule);
}

/** Contrast alone, in a page on which `axeOn` was before: a scheme of colours changes nothing else. */
export function contrastOn(page: Page): Promise<string[]> {
  return findings(
    page,
    `{ preload: false, resultTypes: ["violations"], runOnly: ["color-contrast"] }`,
  );
}

async function findings(page: Page, options: string): Promise<string[]> {
  const found: Finding[] = await page.evaluate(
    `axe.run(document, ${options}).then(({ violations }) =>
      violations.map(({ id, nodes }) => ({ id, nodes: nodes.map(({ target }) => ({ target })) })))`,
  );
  return found.map(toLine);
}

function toLine({ id, nodes }: Finding): string {
  return `${id}: ${nodes
    .slice(0, 3)
    .map(({ target }) => target.join(" "))
    .join("; ")}`;
}

/** Leaves the first rows of every table: the others are made alike, and axe takes seconds for hundreds of them. */
export async function cutTables(page: Page, rows: number): Promise<void> {
  await page.evaluate(
    `document.querySelectorAll("tbody tr:nth-child(n+${rows + 1})").forEach((row) => row.remove())`,
  );
}

/** How far a page scrolls sideways, in CSS pixels. */
export function sideways(page: Page): Promise<number> {
  return page.evaluate(
    "document.documentElement.scrollWidth - document.documentElement.clientWidth",
  );
}
