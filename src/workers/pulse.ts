import type { Member } from "#src/workers/member.ts";

/** Notices workers that live and do nothing: their event loop stands still. */
export interface Pulse {
  /** A worker said that it goes on. */
  felt(member: Member): void;
  stop(): void;
}

/** How often workers are asked, and how many questions in a row may stay without an answer. */
export interface PulseRate {
  everyMs: number;
  mostMissed: number;
}

/** A minute in all: no work of a worker keeps it from answering for so long. */
const usual: PulseRate = { everyMs: 10_000, mostMissed: 6 };

/**
 * Asks those that serve or leave again and again, and tells of who stays silent. Questions are counted, not time: where the
 * whole machine slept, nobody missed one.
 */
export function keepPulse(
  members: ReadonlySet<Member>,
  onStill: (member: Member) => void,
  { everyMs, mostMissed }: PulseRate = usual,
): Pulse {
  const missed = new WeakMap<Member, number>();
  const timer = setInterval(() => {
    for (const member of members) {
      if (member.state === "starting") continue;
      const before = missed.get(member) ?? 0;
      if (before === mostMissed) onStill(member);
      missed.set(member, before + 1);
      member.send({ type: "ping" });
    }
  }, everyMs);
  timer.unref();
  return {
    felt: (member) => void missed.delete(member),
    stop: () => clearInterval(timer),
  };
}
