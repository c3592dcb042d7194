import type { FromWorker, ToWorker } from "#src/workers/messages.ts";
import { readFromWorker } from "#src/workers/messages.ts";
import { workerVariable } from "#src/workers/link.ts";

/** How a worker ended. */
export interface Exit {
  code: number | undefined;
  signal: string | undefined;
}

/** One child process. */
export interface Member {
  /** From 1; shared with the one that takes its place. */
  readonly worker: number;
  readonly pid: number;
  readonly startedAt: number;
  state: "starting" | "serving" | "leaving";
  /** Where it listens and what it found; set once it serves. */
  ready: { url: string; providers: string } | undefined;
  send(message: ToWorker): void;
  kill(): void;
  readonly exited: Promise<Exit>;
}

/** Starts a worker of this program. */
export function startMember(options: {
  /** The program and its arguments. */
  command: readonly string[];
  worker: number;
  startedAt: number;
  onMessage: (member: Member, message: FromWorker) => void;
}): Member {
  const { command, worker, startedAt, onMessage } = options;
  const env: Record<string, string | undefined> = {
    ...process.env,
    [workerVariable]: String(worker),
  };
  // Whether the service is ready is told by the one who supervises.
  delete env["NOTIFY_SOCKET"];
  const child = Bun.spawn([...command], {
    env,
    stdin: "ignore",
    stdout: "inherit",
    stderr: "inherit",
    serialization: "json",
    ipc(raw) {
      const message = readFromWorker(raw);
      if (message !== undefined) onMessage(member, message);
    },
  });
  const member: Member = {
    worker,
    pid: child.pid,
    startedAt,
    state: "starting",
    ready: undefined,
    send(message) {
      try {
        child.send(message);
      } catch {
        // It is gone: its exit tells what to do.
      }
    },
    kill: () => child.kill("SIGKILL"),
    exited: child.exited.then(() => ({
      code: child.exitCode ?? undefined,
      signal: child.signalCode === null ? undefined : String(child.signalCode),
    })),
  };
  return member;
}
