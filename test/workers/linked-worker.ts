/** A worker that does nothing but keep its end of the channel, as a real one does. `bun test/workers/linked-worker.ts` under a supervisor. */
import { joinSupervisor } from "#src/workers/link.ts";

const link = await joinSupervisor();
if (link === undefined) throw new Error("Cannot work without a supervisor");
await link.turn();
const end = () => process.exit(0);
link.obey({ leave: end, stop: end, force: end, orphaned: end });
link.send({ type: "ready", url: `http://127.0.0.1:${process.pid}`, providers: "" });
