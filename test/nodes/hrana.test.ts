import { describe } from "bun:test";
import { startHrana } from "#test/lib/hrana.ts";
import { suite } from "#test/nodes/suite.ts";
import { temporaryFolder } from "#test/store/temporary.ts";

describe("nodes on a server that speaks Hrana over the engine that a file has", () => {
  suite(() => {
    const folder = temporaryFolder();
    const server = startHrana({ path: `${folder.path}/remote.db` });
    return Promise.resolve({
      url: server.url,
      async stop() {
        await server.stop();
        folder[Symbol.dispose]();
      },
    });
  });
});
