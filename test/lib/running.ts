import { join } from "node:path";
import { freePort } from "#test/lib/port.ts";

const root = join(import.meta.dir, "../..");

/** A command that serves until it is told to stop. */
export interface Running extends AsyncDisposable {
  url: string;
  /** What it said so far, on both. */
  said(): string;
  /** Resolves once it said that. */
  until(pattern: RegExp): Promise<RegExpExecArray>;
}

/** Starts `lowrouter` with these arguments on a free port; its temporary files are kept in the folder. */
export async function started(
  folder: string,
  argv: readonly string[],
  env: Record<string, string> = {},
): Promise<Running> {
  const port = await freePort();
  const child = Bun.spawn(
    [process.execPath, "src/main.ts", ...argv, "--listen", `127.0.0.1:${port}`],
    {
      env: { PATH: process.env["PATH"] ?? "", HOME: folder, TMPDIR: folder, ...env },
      // Where tsconfig.json says how pages are made.
      cwd: root,
      stdout: "pipe",
      stderr: "pipe",
    },
  );
  let text = "";
  let wake = () => {};
  const reading = [child.stdout, child.stderr].map(async (stream) => {
    const decoder = new TextDecoder();
    for await (const bytes of stream) {
      text += decoder.decode(bytes, { stream: true });
      wake();
    }
  });
  let isOver = false;
  void Promise.all(reading).then(() => {
    isOver = true;
    wake();
  });
  return {
    url: `http://127.0.0.1:${port}`,
    said: () => text,
    async until(pattern) {
      for (;;) {
        const found = pattern.exec(text);
        if (found !== null) return found;
        if (isOver) throw new Error(`It ended without saying ${pattern}: ${text}`);
        await new Promise<void>((resolve) => (wake = resolve));
      }
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await child.exited;
      await Promise.all(reading);
    },
  };
}
