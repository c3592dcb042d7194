import { expect, test } from "bun:test";
import type { MailServer } from "#src/config/mail.ts";
import { createSend } from "#src/mail/transport.ts";
import { authority, type SmtpOptions, startSmtp } from "#test/lib/smtp.ts";
import { textOf } from "#test/mail/source.ts";

const from = "LowRouter <gateway@example.org>";
const letter = { to: "ada@example.org", subject: "Grüße", text: "First line\n.dot\nÜber €" };

async function withServer(
  options: SmtpOptions,
  server: Partial<MailServer> & { ca?: string },
  work: (
    send: ReturnType<typeof createSend>,
    smtp: Awaited<ReturnType<typeof startSmtp>>,
  ) => Promise<void>,
) {
  await using smtp = await startSmtp(options);
  const { ca, ...rest } = server;
  const whole: MailServer = {
    host: "localhost",
    port: smtp.port,
    isSecure: false,
    user: undefined,
    password: undefined,
    ...rest,
  };
  await work(createSend({ from }, whole, { ca }), smtp);
}

test("a letter arrives as plain text, from the sender, to one address", () =>
  withServer({}, {}, async (send, smtp) => {
    await send(letter);
    const [mail] = smtp.taken;
    expect(mail).toMatchObject({
      from: "gateway@example.org",
      to: ["ada@example.org"],
      signedIn: undefined,
      isEncrypted: false,
    });
    const source = mail?.source ?? "";
    expect(source).toMatch(/^From: LowRouter <gateway@example.org>$/m);
    expect(source).toMatch(/^To: ada@example.org$/m);
    expect(source).toMatch(/^Subject: =\?UTF-8\?/m);
    expect(source).toMatch(/^Auto-Submitted: auto-generated$/im);
    expect(source).toMatch(/^Content-Type: text\/plain; charset=utf-8$/im);
    expect(textOf(source)).toBe(letter.text);
  }));

test("TLS is begun where it is offered, and who we are is told inside it alone", () =>
  withServer(
    { tls: "offered", login: "ada secret" },
    { user: "ada", password: "secret", ca: authority },
    async (send, smtp) => {
      await send(letter);
      expect(smtp.taken[0]).toMatchObject({ isEncrypted: true, signedIn: "ada secret" });
      expect(smtp.said.findIndex((line) => line.startsWith("AUTH"))).toBeGreaterThan(
        smtp.said.indexOf("STARTTLS"),
      );
    },
  ));

test("TLS is spoken from the first byte where the address says smtps", () =>
  withServer({ tls: "always" }, { isSecure: true, ca: authority }, async (send, smtp) => {
    await send(letter);
    expect(smtp.taken[0]?.isEncrypted).toBe(true);
  }));

test.each(["always", "offered"] as const)(
  "a certificate that nobody vouches for is refused, TLS %s",
  (tls) =>
    withServer({ tls }, { isSecure: tls === "always" }, async (send, smtp) => {
      await expect(send(letter)).rejects.toMatchObject({ name: "MailFault", isFinal: false });
      expect(smtp.taken).toEqual([]);
    }),
);

test.each(["always", "offered"] as const)(
  "a certificate of another host is refused, TLS %s",
  (tls) =>
    withServer(
      { tls, name: "other.test" },
      { isSecure: tls === "always", ca: authority },
      async (send, smtp) => {
        await expect(send(letter)).rejects.toMatchObject({ name: "MailFault", isFinal: false });
        expect(smtp.taken).toEqual([]);
      },
    ),
);

test("a password is not told without TLS to a server that is not this machine", () =>
  withServer(
    { login: "ada secret" },
    // It leads to this machine, and does not say so.
    { host: "0.0.0.0", user: "ada", password: "secret" },
    async (send, smtp) => {
      await expect(send(letter)).rejects.toMatchObject({ isFinal: false });
      expect(smtp.said.filter((line) => line.startsWith("AUTH"))).toEqual([]);
    },
  ));

test.each([
  ["RCPT", "550 5.1.1 ada@example.org is unknown", true, "EENVELOPE 550"],
  ["RCPT", "451 try later", false, "EENVELOPE 451"],
  [".", "554 no", true, "EMESSAGE 554"],
  ["EHLO", "554 no", false, undefined],
] as const)("%s answered with %j is final: %p", (command, line, isFinal, reason) =>
  withServer({}, {}, async (send, smtp) => {
    smtp.refuse(command, line);
    if (command === "EHLO") smtp.refuse("HELO", line);
    const fault: unknown = await send(letter).catch((thrown: unknown) => thrown);
    expect(fault).toMatchObject({ name: "MailFault", isFinal });
    if (reason !== undefined) expect(fault).toMatchObject({ reason });
    expect(String(fault)).not.toContain("ada@example.org");
  }),
);

test("a wrong password is not final, and a server that is not there neither", async () => {
  await withServer({ login: "ada secret" }, { user: "ada", password: "other" }, async (send) => {
    await expect(send(letter)).rejects.toMatchObject({ reason: "EAUTH 535", isFinal: false });
  });
  const nobody = { host: "127.0.0.1", port: 1, isSecure: false, user: undefined };
  const send = createSend({ from }, { ...nobody, password: undefined });
  await expect(send(letter)).rejects.toMatchObject({ name: "MailFault", isFinal: false });
});

test("what somebody puts into an address, a subject or a text adds no header and no recipient", () =>
  withServer({}, {}, async (send, smtp) => {
    const evil = "\r\nBcc: eve@example.org\r\nX-Evil: 1";
    await send({
      to: "ada@example.org",
      subject: `Hello${evil}`,
      text: `Text${evil}\r\n.\r\nMAIL`,
    });
    await send({ to: "ada@example.org, eve@example.org", subject: "s", text: "t" }).catch(() => {});
    await send({ to: `ada@example.org>${evil}`, subject: "s", text: "t" }).catch(() => {});
    const [first] = smtp.taken;
    expect(first?.to).toEqual(["ada@example.org"]);
    const [head = ""] = (first?.source ?? "").split("\r\n\r\n");
    expect(head).not.toMatch(/^(Bcc|X-Evil):/im);
    expect(smtp.taken.flatMap(({ to }) => to)).not.toContain("eve@example.org");
    for (const { source } of smtp.taken)
      expect(source.split("\r\n\r\n")[0]).not.toMatch(/^(Bcc|X-Evil):/im);
  }));
