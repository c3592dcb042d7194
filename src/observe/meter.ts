import {
  type EndedRequest,
  type EndedStatus,
  hasFailed,
  type Moments,
} from "#src/observe/ended.ts";
import { Histogram, ownSeconds, requestSeconds, requestTokens } from "#src/observe/histogram.ts";

/** Sums over the requests of one model at a provider in a region, since the start of the process. */
export class Series {
  readonly requests: Record<EndedStatus, number> = {
    ok: 0,
    client_error: 0,
    upstream_error: 0,
    client_cancelled: 0,
  };
  inputFresh = 0;
  cacheRead = 0;
  cacheWrite = 0;
  outputVisible = 0;
  reasoning = 0;
  /** Nano-units of the currency. */
  cost = 0;
  withoutEstimate = 0;
  readonly eco = new Map<string, { energyWh: number; carbonG: number }>();
  readonly duration = new Histogram(requestSeconds);
  /** Until the answer began, of streams. */
  readonly firstByte = new Histogram(requestSeconds);
  readonly inputTokens = new Histogram(requestTokens);
  readonly outputTokens = new Histogram(requestTokens);

  constructor(
    readonly provider: string,
    readonly model: string,
    readonly region: string,
    /** In the words of the GenAI conventions. */
    readonly operation: string,
  ) {}
}

/** Most combinations of provider, model and region that are told apart: what comes later is "other". */
export const mostSeries = 500;
/** The same for combinations of provider and reason. */
const mostReasons = 500;
const other = "other";

/**
 * Plain counters of this process. Adding a request walks maps by strings that are there already, and makes something only
 * for what is seen the first time.
 */
export class Meter {
  readonly #byModel = new Map<string, Map<string, Map<string, Series>>>();
  #last: Series | undefined;
  readonly #others = new Series(other, other, other, other);
  readonly #all: Series[] = [];
  /** Error code to answers that carried it. */
  readonly refusals = new Map<string, number>();
  /** Provider to reason to attempts that failed. */
  readonly failedAttempts = new Map<string, Map<string, number>>();
  #reasonCount = 0;
  /** Whether the catalogue has a model; a client may name any, through the proxy. */
  isKnown: (model: string) => boolean;
  /** Seconds from a request's arrival until it was sent to the upstream that answered, where that was the first try. */
  readonly before = new Histogram(ownSeconds);
  /** Seconds from the upstream's first byte until the row was durable, of whole answers. */
  readonly after = new Histogram(ownSeconds);
  commits = 0;
  commitRows = 0;
  commitFaults = 0;
  readonly commitSeconds = new Histogram(ownSeconds);

  constructor(isKnown: (model: string) => boolean) {
    this.isKnown = isKnown;
  }

  /** Every combination that was seen. */
  get series(): readonly Series[] {
    return this.#all;
  }

  ended(request: EndedRequest, moments: Moments): void {
    const series = this.#seriesOf(request);
    series.requests[request.status]++;
    const { tokens, methodology, energyWh, carbonG } = request;
    if (tokens !== undefined) {
      const written = tokens.cacheWrite5m + tokens.cacheWrite1h;
      series.inputFresh += tokens.inputFresh;
      series.cacheRead += tokens.cacheRead;
      series.cacheWrite += written;
      series.outputVisible += tokens.outputVisible;
      series.reasoning += tokens.reasoning;
      series.inputTokens.add(tokens.inputFresh + tokens.cacheRead + written);
      series.outputTokens.add(tokens.outputVisible + tokens.reasoning);
    }
    series.cost += request.cost ?? 0;
    if (methodology === undefined || energyWh === undefined || carbonG === undefined)
      series.withoutEstimate++;
    else addEco(series, methodology, energyWh, carbonG);
    this.#addTimes(series, request, moments);
    for (const attempt of request.trace)
      if (hasFailed(attempt)) this.#failed(attempt.provider, attempt.reason);
  }

  /** An error was the answer. */
  refused(code: string): void {
    this.refusals.set(code, (this.refusals.get(code) ?? 0) + 1);
  }

  committed(rows: number, milliseconds: number): void {
    this.commits++;
    this.commitRows += rows;
    this.commitSeconds.add(milliseconds / 1000);
  }

  #addTimes(series: Series, { streamed, trace }: EndedRequest, moments: Moments): void {
    const { startedAt, sentAt, firstByteAt, endedAt } = moments;
    series.duration.add((endedAt - startedAt) / 1000);
    if (streamed && firstByteAt !== undefined)
      series.firstByte.add((firstByteAt - startedAt) / 1000);
    if (sentAt === undefined || firstByteAt === undefined) return;
    // What an upstream took that failed is not ours.
    if (!trace.some(isTried)) this.before.add((sentAt - startedAt) / 1000);
    if (!streamed) this.after.add((endedAt - firstByteAt) / 1000);
  }

  #seriesOf(request: EndedRequest): Series {
    const { provider = "", region = "", dialect } = request;
    const last = this.#last;
    // Requests are often like the one before.
    if (last?.model === request.model && last?.provider === provider && last.region === region)
      return last;
    const model = this.#nameOf(request.model);
    const known = this.#byModel.get(model)?.get(provider)?.get(region);
    if (known !== undefined) return (this.#last = known);
    if (this.#all.length >= mostSeries) return this.#addOthers();
    const made = new Series(provider, model, region, operationOf(dialect));
    const providers = this.#byModel.get(model) ?? new Map<string, Map<string, Series>>();
    const regions = providers.get(provider) ?? new Map<string, Series>();
    this.#byModel.set(model, providers.set(provider, regions.set(region, made)));
    this.#all.push(made);
    return (this.#last = made);
  }

  #nameOf(model: string | undefined): string {
    if (model === undefined) return "";
    return this.isKnown(model) ? model : other;
  }

  #addOthers(): Series {
    if (this.#all.length === mostSeries) this.#all.push(this.#others);
    return this.#others;
  }

  #failed(provider: string, reason: string): void {
    let reasons = this.failedAttempts.get(provider);
    if (reasons === undefined) this.failedAttempts.set(provider, (reasons = new Map()));
    const known = reasons.get(reason);
    if (known === undefined && this.#reasonCount++ >= mostReasons) return;
    reasons.set(reason, (known ?? 0) + 1);
  }
}

/** Whether a route was asked, or waited for, before the one that answered: what that took is not the gateway's own time. */
export function isTried({ decision, reason }: EndedRequest["trace"][number]): boolean {
  return decision === "failed" || reason === "waited_for_place";
}

function addEco({ eco }: Series, methodology: string, energyWh: number, carbonG: number): void {
  const sum = eco.get(methodology);
  if (sum === undefined) {
    eco.set(methodology, { energyWh, carbonG });
    return;
  }
  sum.energyWh += energyWh;
  sum.carbonG += carbonG;
}

/** What was asked for, in the words of the GenAI conventions. */
export function operationOf(dialect: string): string {
  if (dialect.includes("embed")) return "embeddings";
  if (dialect === "openai-completions") return "text_completion";
  return dialect === "gemini" ? "generate_content" : "chat";
}
