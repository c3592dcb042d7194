import { expect, test } from "bun:test";
import { createIds } from "#src/lib/id.ts";
import { createLog } from "#src/observe/log.ts";
import type { Letter } from "#src/mail/letter.ts";
import { backoffMs, createPost, type Post } from "#src/mail/post.ts";
import { MailFault, type Send } from "#src/mail/transport.ts";
import type { Row, Store } from "#src/store/store.ts";
import { createFakeClock, type FakeClock } from "#test/lib/fake-clock.ts";
import { millisecondsUntil } from "#test/lib/milliseconds-until.ts";
import { temporaryStore } from "#test/store/temporary.ts";

interface Desk {
  post: Post;
  /** Another process on the same database. */
  other: Post;
  clock: FakeClock;
  store: Store;
  sent: Letter[];
  /** Every further letter meets this. */
  meet(fault: MailFault | undefined): void;
  rows(): Promise<Row[]>;
  logged(): string;
}

const letter = {
  to: "ada@example.org",
  subject: "Hello",
  text: "https://us.example/reset?token=T",
};
const later = () => new MailFault("ECONNECTION", false, undefined);

async function withPost(work: (desk: Desk) => Promise<void>, slow?: Send) {
  using temporary = await temporaryStore();
  const { store } = temporary;
  const clock = createFakeClock();
  const lines: string[] = [];
  const sent: Letter[] = [];
  let fault: MailFault | undefined;
  const open = () =>
    createPost({
      store,
      clock,
      ids: createIds(clock),
      random: () => 0.5,
      origin: "https://us.example",
      log: createLog({
        clock,
        level: "debug",
        format: "json",
        write: (line) => void lines.push(line),
      }),
      async send(one) {
        await slow?.(one);
        if (fault !== undefined) throw fault;
        sent.push(one);
      },
    });
  const [post, other] = [open(), open()];
  await work({
    post,
    other,
    clock,
    store,
    sent,
    meet: (next) => void (fault = next),
    rows: async () => store.read("SELECT * FROM mail ORDER BY id", []),
    logged: () => lines.join(""),
  });
  await Promise.all([post.close(), other.close()]);
}

test("a letter that is left is sent once, and its text is not kept", () =>
  withPost(async ({ post, other, sent, rows }) => {
    await post.leave(letter);
    expect((await rows())[0]).toMatchObject({ state: "waiting", text: letter.text });
    await Promise.all([post.run(), other.run(), post.run()]);
    expect(sent).toEqual([letter]);
    expect(await rows()).toMatchObject([{ state: "sent", text: "", attempts: 1 }]);
  }));

test("a letter that one process is sending is left alone by another until its claim passes", () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  return withPost(
    async ({ post, other, sent, clock }) => {
      await post.leave(letter);
      const sending = post.run();
      const looking = other.run();
      resolve();
      await Promise.all([sending, looking]);
      expect(sent).toHaveLength(1);
      clock.advance(120_001);
      await other.run();
      expect(sent).toHaveLength(1);
    },
    () => promise,
  );
});

test("what a process claimed and did not end is sent by another when the claim has passed", () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const began = Promise.withResolvers<void>();
  let isFirst = true;
  return withPost(
    async ({ post, other, sent, clock }) => {
      await post.leave(letter);
      const sending = post.run();
      await began.promise;
      clock.advance(119_999);
      await other.run();
      expect(sent).toHaveLength(0);
      clock.advance(1);
      await other.run();
      expect(sent).toHaveLength(1);
      resolve();
      await sending;
    },
    () => {
      // The first one hangs.
      const waits = isFirst ? promise : Promise.resolve();
      isFirst = false;
      began.resolve();
      return waits;
    },
  );
});

test("a server that takes nothing for a while is asked again, ever more seldom, and at last no more", () =>
  withPost(async ({ post, clock, meet, rows, logged, sent }) => {
    meet(later());
    await post.leave(letter);
    await post.run();
    for (const [index, pause] of backoffMs.entries()) {
      const [row] = await rows();
      expect(row).toMatchObject({
        state: "waiting",
        attempts: index + 1,
        next_at: clock.now() + pause,
        reason: "ECONNECTION",
      });
      clock.advance(pause - 1);
      await post.run();
      expect((await rows())[0]?.["attempts"]).toBe(index + 1);
      clock.advance(1);
      await post.run();
    }
    expect(await rows()).toMatchObject([
      { state: "failed", text: "", attempts: backoffMs.length + 1, reason: "ECONNECTION" },
    ]);
    expect(logged()).toContain('"mail_failed"');
    expect(logged()).not.toContain("ada@example.org");
    expect(sent).toEqual([]);
  }));

test("a letter is tried again when it is due, and not when somebody looks in any case", () =>
  withPost(async ({ post, store, clock, meet, sent }) => {
    meet(later());
    await post.leave(letter);
    await post.run();
    const [row] = await store.read("SELECT next_at FROM mail", []);
    expect(row).toEqual({ next_at: clock.now() + 10_000 });
    // All but a moment of the pause has passed when it looks.
    clock.advance(9_970);
    await post.run();
    clock.advance(30);
    meet(undefined);
    expect(await millisecondsUntil(() => sent.length === 1)).toBeLessThan(1000);
  }));

test("a letter that is left as a look ends does not wait for the next", () =>
  withPost(async ({ post, store, sent }) => {
    const { read } = store;
    store.read = async (sql, args) => {
      const rows = await read(sql, args);
      store.read = read;
      await post.leave(letter);
      return rows;
    };
    await post.run();
    expect(await millisecondsUntil(() => sent.length === 1)).toBeLessThan(1000);
  }));

test("one that comes back is sent with the next try", () =>
  withPost(async ({ post, clock, meet, sent }) => {
    meet(later());
    await post.leave(letter);
    await post.run();
    meet(undefined);
    clock.advance(backoffMs[0] ?? 0);
    await post.run();
    expect(sent).toEqual([letter]);
  }));

test("a letter that is refused for good is not tried again, and keeps no other waiting", () =>
  withPost(async ({ post, meet, rows, sent }) => {
    meet(new MailFault("EENVELOPE 550", true, undefined));
    await post.leave(letter);
    await post.run();
    expect(await rows()).toMatchObject([{ state: "failed", text: "", reason: "EENVELOPE 550" }]);
    meet(undefined);
    await post.leave({ ...letter, to: "bob@example.org" });
    await post.run();
    expect(sent.map(({ to }) => to)).toEqual(["bob@example.org"]);
  }));

test("many letters are all sent", () =>
  withPost(async ({ post, sent }) => {
    for (let index = 0; index < 11; index++)
      await post.leave({ ...letter, to: `p${index}@example.org` });
    await post.run();
    expect(new Set(sent.map(({ to }) => to)).size).toBe(11);
  }));

test.each([
  "",
  "ada",
  "ada@example.org, eve@example.org",
  "ada@example.org>",
  "Ada <ada@example.org>",
  "ada@example.org\r\nBcc: eve@example.org",
  'a"b@example.org',
  "a@b@c",
  `${"a".repeat(251)}@b.c`,
])("%j is no address that mail goes to", (to) =>
  withPost(async ({ post, rows }) => {
    expect(() => post.leaving({ ...letter, to })).toThrow("Cannot send mail to this address");
    expect(await rows()).toEqual([]);
  }),
);

test("a subject is one line, whatever it was made of", () =>
  withPost(async ({ post, sent }) => {
    await post.leave({ ...letter, subject: "One\r\nBcc: eve@example.org\u0000\u2028two" });
    await post.run();
    expect(sent[0]?.subject).toBe("One Bcc: eve@example.org two");
  }));

test("what goes on aside is done before closing ends, and a fault of it is logged", () =>
  withPost(async ({ post, sent, logged, rows }) => {
    post.aside(() => post.leave(letter));
    post.aside(() => Promise.reject(new Error("no")));
    await post.close();
    expect(await rows()).toHaveLength(1);
    expect(sent).toEqual([]);
    expect(logged()).toContain('"mail_not_left"');
  }));

test("letters are forgotten a month after, and those that wait are not", () =>
  withPost(async ({ post, clock, meet, rows }) => {
    await post.leave(letter);
    await post.run();
    clock.advance(31 * 86_400_000);
    meet(later());
    await post.leave(letter);
    await post.run();
    expect(await rows()).toMatchObject([{ state: "waiting" }]);
  }));
