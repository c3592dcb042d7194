import type { Account, Caller, ResetInterval } from "#src/account/account.ts";
import type { Allowances, Movement, Refusal } from "#src/allowance/allowance.ts";
import type { Found } from "#src/catalog/find.ts";
import type { Model } from "#src/catalog/model.ts";
import type { Config } from "#src/config/load.ts";
import type {
  Ask,
  DialectId,
  ErrorReply,
  MeteredReply,
  StreamHead,
  StreamRelay,
  Target,
  UpstreamRequest,
} from "#src/dialect/dialect.ts";
import type { StopShare } from "#src/dialect/stop-share.ts";
import type { Usage } from "#src/dialect/usage.ts";
import type { Measured } from "#src/eco/measured.ts";
import type { Estimate } from "#src/eco/methodology.ts";
import type { Generation } from "#src/ledger/generation.ts";
import type { NanoUnits } from "#src/ledger/money.ts";
import type { Share } from "#src/lib/bag.ts";
import type { Clock } from "#src/lib/clock.ts";
import type { AppError } from "#src/lib/error.ts";
import type { Ids, Random } from "#src/lib/id.ts";
import type { Log } from "#src/observe/log.ts";
import type { Telemetry } from "#src/observe/telemetry.ts";
import type { Sticky } from "#src/gateway/routing/sticky.ts";
import type { Job } from "#src/gateway/settle.ts";
import type { Deployment, Route } from "#src/provider/deployment.ts";
import type { RemoteDocuments, RequestDocuments } from "#src/provider/remote-document.ts";
import type { Health } from "#src/provider/health.ts";
import type { LiveGrid } from "#src/provider/live-grid.ts";
import type { InFlight } from "#src/provider/in-flight.ts";
import type { Deadlines } from "#src/lib/deadline.ts";

/** A dialect as clients speak it, over every wire that an upstream may speak. */
export interface Front {
  /** Its own wire: to an upstream of the same, bytes are passed on. */
  readonly wire: DialectId;
  /** What the ids of its answers begin with. */
  readonly idPrefix: string;
  /** Headers of the client that an upstream of its own wire may see, by name. */
  readonly forward: readonly string[];
  /** Validates and reads what routing needs. Throws `invalid_json`, `missing_field`, `invalid_value`, `conflicting_route`. */
  peek(body: Uint8Array, url: string): Ask;
  /** The request in the words of a wire. Throws `unsupported_feature` where that would change the meaning. */
  request(
    wire: DialectId,
    body: Uint8Array,
    ask: Ask,
    target: Target,
    documents: RequestDocuments,
  ): UpstreamRequest | Promise<UpstreamRequest>;
  /** A provider's whole answer in a wire, cut at the stop sequences that its request left. Throws UpstreamStreamError when it is none. */
  whole(
    wire: DialectId,
    body: Uint8Array,
    ask: Ask,
    provider: string,
    stops?: StopShare,
  ): MeteredReply;
  stream(wire: DialectId, head: StreamHead): StreamRelay;
  writeError(error: AppError): ErrorReply;
}

/** One inference call as it came in. */
export interface Call {
  request: Request;
  /** Empty once the ask holds it as text. */
  body: Uint8Array<ArrayBuffer>;
  front: Front;
  /** Unix milliseconds when it was accepted. */
  receivedAt: number;
  /** The same moment on the monotonic clock. */
  startedAt: number;
}

/** What a usage costs at a route, in nano-units; undefined when the price is unknown. */
export interface Cost {
  /** What is charged: the price, or on an account's own credential the fee. */
  total: NanoUnits;
  /** Parts of the price. */
  prompt: NanoUnits;
  completion: NanoUnits;
  /** At the provider, before the platform fee. */
  upstream: NanoUnits;
}

/** Everything a call needs besides itself. Wired once, in src/app.ts. */
export interface App {
  config: Config;
  clock: Clock;
  ids: Ids;
  random: Random;
  log: Log;
  deadlines: Deadlines;
  /** Finds who a key belongs to; undefined for an unknown one. */
  findCaller(token: string): Caller | undefined | Promise<Caller | undefined>;
  /** Every way a model can be served now, best known first. */
  readonly routes: RouteTable;
  /** The gateway as a caller sees it: with the account's own credentials of providers. */
  seenBy(caller: Caller): App;
  /** A credential of a provider was taken. */
  keyUsed(id: string): void;
  health: Health;
  /** Places at each provider. */
  inFlight: InFlight;
  /** Where conversations were served last. */
  sticky: Sticky;
  /** What clients give by address, for wires that want bytes. */
  remote: RemoteDocuments;
  allowances: Allowances;
  /** Told of each refusal for what ran out. Returns at once. */
  refused(caller: Caller, refusal: Refusal): void;
  /** Who counts and traces what ends; absent where nobody wants to know. */
  telemetry?: Telemetry | undefined;
  ledger: { record(entry: { generation: Generation; movements: Movement[] }): Promise<void> };
  price(route: Route, usage: Usage, now: number): Cost | undefined;
  /** The most that a request can be charged at a route. */
  priceAtMost(
    route: Route,
    inputTokens: number,
    outputTokens: number,
    now: number,
  ): NanoUnits | undefined;
  /** The most that a request can cost at the provider itself. */
  upstreamAtMost(
    route: Route,
    inputTokens: number,
    outputTokens: number,
    now: number,
  ): NanoUnits | undefined;
  estimate(
    route: Route,
    usage: Usage,
  ):
    | (Estimate & { gridGPerKwh: number; gridZone: string; measured: Measured | undefined })
    | undefined;
  /** Grids as they are now, where the operator wants that. */
  liveGrid?: LiveGrid | undefined;
  /** Start of the running window, UTC, Unix milliseconds. */
  windowStart(reset: ResetInterval | "minute"): number;
  /** End of the running window. */
  windowEnd(reset: ResetInterval | "minute"): number;
  /** Requests that were admitted and are not settled yet: those of every gateway of this process. */
  open: Share<Job>;
  /** Set in demo mode: every answer says that it is simulated. */
  demo: boolean;
}

/** Routable models: by name, and in the order in which the automatic choice prefers them. */
export interface RouteTable {
  models: readonly Model[];
  find(name: string): Found | undefined;
  of(model: Model): readonly Route[];
  /** Known size first, smallest first; then by price. */
  smallest: readonly Model[];
  /** Cheapest first. */
  cheapest: readonly Model[];
  /** Everywhere that requests can go. */
  deployments: readonly Deployment[];
  /** Every region id that data/ or the configuration knows. */
  regions: ReadonlySet<string>;
  /** Every country, ISO 3166 alpha-2. */
  countries: ReadonlySet<string>;
  /** Every grid zone by its name, and a country's by the country where it has one for all. */
  zones: ReadonlyMap<string, string>;
  /** Every provider id. */
  providers: ReadonlySet<string>;
  /** False when no provider has a credential or an address. */
  anyProvider: boolean;
}

/** Balance in the currency's nano-units as this process knows it, or undefined before first use. */
export function balanceOf(app: App, account: Account): number | undefined {
  const standing = app.allowances.standing({ kind: "credit", owner: account.id, windowStart: 0 });
  return standing === undefined ? undefined : (standing.limit ?? 0) - standing.used;
}
