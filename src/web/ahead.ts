import { encode } from "#src/lib/bytes.ts";

/** Answers whose beginning is sent while the rest is made. */
const begun = new WeakSet<Response>();

/** Whether what an answer begins with has to leave before its end is known. */
export function isBegun(response: Response): boolean {
  return begun.has(response);
}

/** A text whose beginning leaves at once. `rest` does not reject: the status is sent by then, so it says what broke. */
export function beginning(first: string, rest: Promise<string>, headers: Headers): Response {
  let isOver = false;
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async start(controller) {
      controller.enqueue(encode(first));
      const last = await rest;
      // Whoever asked may have left.
      if (isOver) return;
      controller.enqueue(encode(last));
      controller.close();
    },
    cancel() {
      isOver = true;
    },
  });
  const response = new Response(body, { headers });
  begun.add(response);
  return response;
}
