/** Fetches an address whose host is at 127.0.0.1, whatever its name, and says what came. A process of its own, for its environment. */
import { createRemoteDocuments } from "#src/provider/remote-document.ts";
import { loopback } from "#test/provider/remote-kit.ts";

// With a third argument, the environment's word on proxies holds.
const rules = process.argv[3] === undefined ? loopback() : { ...loopback(), isProxied: undefined };
const { isProxied, ...rest } = rules;
const documents = createRemoteDocuments(isProxied ? { ...rest, isProxied } : rest);
try {
  const { type, bytes } = await documents
    .during(new AbortController().signal)
    .fetch(process.argv[2] ?? "");
  console.log(type, bytes);
} catch (cause) {
  const broken = cause instanceof Error ? cause.cause : undefined;
  const code = broken instanceof Error && "code" in broken ? ` ${broken.code}` : "";
  console.log(String(cause) + code);
}
