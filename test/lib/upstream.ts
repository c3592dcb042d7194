/** A provider that answers by script. */
export interface ScriptedUpstream {
  /** Base address, as a provider's configuration takes it. */
  url: string;
  requests(): number;
  /** Requests whose client hung up before the end. */
  aborted(): number;
  stop(): Promise<void>;
}

/** Starts one on a loopback socket. What the script returns is sent as it is. */
export function scriptedUpstream(
  script: (request: Request) => Response | Promise<Response>,
): ScriptedUpstream {
  let requests = 0;
  let aborted = 0;
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0,
    fetch(request) {
      requests++;
      request.signal.addEventListener("abort", () => aborted++);
      return script(request);
    },
  });
  return {
    url: `http://127.0.0.1:${server.port}/v1`,
    requests: () => requests,
    aborted: () => aborted,
    stop: () => server.stop(true),
  };
}

/** Never answers; lets go when the client does. */
export function silence(request: Request): Promise<Response> {
  return new Promise((_, reject) => {
    request.signal.addEventListener("abort", () => reject(new Error("The client hung up")));
  });
}

/** A whole answer in OpenAI's shape. */
export function completion(content: string): Response {
  return Response.json({
    id: "chatcmpl-scripted",
    object: "chat.completion",
    created: 1,
    model: "scripted",
    choices: [{ index: 0, message: { role: "assistant", content }, finish_reason: "stop" }],
    usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 },
  });
}
