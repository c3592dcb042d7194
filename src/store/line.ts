import { StoreError } from "#src/store/error.ts";

/** Sends a request to the database's server. */
export type RemoteFetch = (request: Request) => Promise<Response>;

/** The connection to a database elsewhere, and whether anybody answers there. */
export interface Line {
  /** Gives up on an answer after so long; and at once while nobody answers. */
  within(milliseconds: number): RemoteFetch;
  /** Asks even then. */
  anyway(milliseconds: number): RemoteFetch;
  close(): void;
}

const probeEveryMs = 500;

/**
 * A line that is cut says nothing for minutes. Whoever waited in vain tells all others, which then fail at once, until `probe`
 * has its answer.
 */
export function createLine(probe: () => Promise<unknown>): Line {
  let isDead = false;
  let probing: ReturnType<typeof setTimeout> | undefined;

  function fails(): void {
    isDead = true;
    probing ??= later();
  }
  function later(): ReturnType<typeof setTimeout> {
    const timer = setTimeout(() => {
      probe().then(
        () => {
          isDead = false;
          probing = undefined;
        },
        () => {
          if (probing !== undefined) probing = later();
        },
      );
    }, probeEveryMs);
    timer.unref();
    return timer;
  }
  async function send(request: Request, milliseconds: number): Promise<Response> {
    const signal = AbortSignal.timeout(milliseconds);
    try {
      // A redirect could carry the token and the statements to another host.
      const response = await fetch(request, { signal, redirect: "manual" });
      if (response.status >= 300 && response.status < 400) throw await elsewhere(request, response);
      return response;
    } catch (thrown) {
      if (signal.aborted) fails();
      throw thrown;
    }
  }

  return {
    within: (milliseconds) => (request) =>
      isDead
        ? Promise.reject(new Error("fetch was not tried: the server did not answer before"))
        : send(request, milliseconds),
    anyway: (milliseconds) => (request) => send(request, milliseconds),
    close() {
      clearTimeout(probing);
      probing = undefined;
      isDead = true;
    },
  };
}

/** What to say where something answers that is no database, and knows another place. */
async function elsewhere(request: Request, response: Response): Promise<StoreError> {
  await response.body?.cancel();
  const place = response.headers.get("location") ?? "";
  const next = URL.canParse(place, request.url) ? ` to ${new URL(place, request.url).origin}` : "";
  return new StoreError(
    "unavailable",
    `Cannot use the database at ${new URL(request.url).host}: it answered ${response.status}, a redirect${next}, which is not followed. Set database.url to where the database itself answers`,
  );
}
