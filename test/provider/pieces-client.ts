/** Sends large raw pieces to an address, three at once, and says what each answer is: for a test of an environment. */
import { piecesOf } from "#test/provider/large-pieces.ts";
import { send } from "#src/provider/send.ts";
import { deploymentAt } from "#test/provider/deployment.ts";

const [url = ""] = process.argv.slice(2);
const said = await Promise.all(
  ["a", "b", "é"].map(async (letter) => {
    const options = { stream: false, connectMs: 2000 };
    const exchange = send(deploymentAt(url), "/chat", piecesOf(letter), options);
    await exchange.head;
    return Buffer.from(await exchange.bytes()).toString();
  }),
);
console.log(said.join(" "));
process.exit();
