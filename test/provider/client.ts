/** Asks a base URL once and says what came: `bun test/provider/client.ts URL`. A process of its own, for its environment. */
import { send } from "#src/provider/send.ts";
import { deploymentAt } from "#test/provider/deployment.ts";

const exchange = send(deploymentAt(process.argv[2] ?? ""), "/models", undefined, {
  method: "GET",
  stream: false,
  connectMs: 2000,
});
try {
  const { status } = await exchange.head;
  console.log(status, Buffer.from(await exchange.bytes()).toString());
} catch (cause) {
  console.log(cause instanceof Error && "code" in cause ? cause.code : String(cause));
}
