import { type AnyElysia, Elysia } from "elysia";
import { throttled } from "#src/account/people/throttles.ts";
import { isAddress } from "#src/mail/letter.ts";
import { resetMinutes, sendReset } from "#src/mail/reset.ts";
import type { Visit } from "#src/web/layout.tsx";
import type { Desk } from "#src/web/people/desk.ts";
import { FormPage, Line, Sheet } from "#src/web/people/form.tsx";
import { isFromUs, knockOf, type Peers } from "#src/web/people/knock.ts";
import { field, formOf, refusedForm } from "#src/web/people/respond.ts";
import { page } from "#src/web/respond.ts";

/** The way back for who forgot a password: a link by mail, or, where no mail is sent, by the operator. */
export function forgotRoutes(desk: Desk): AnyElysia {
  return new Elysia({ name: "forgot" })
    .get("/forgot", ({ request }) => forgot(desk, request))
    .post("/forgot", ({ request, server }) => asked(desk, request, server), { parse: "none" });
}

function forgot({ visitOf, services }: Desk, request: Request): Response {
  const hasMail = services.post !== undefined;
  return page(<ForgotPage visit={visitOf(request)} hasMail={hasMail} />, { personal: true });
}

/** Answers everybody alike and at once: whether somebody has this address is looked up afterwards. */
async function asked(desk: Desk, request: Request, server: Peers | null): Promise<Response> {
  if (!isFromUs(request)) return refusedForm();
  const { people, services, throttles } = desk;
  const { post } = services;
  if (post === undefined) return forgot(desk, request);
  const visit = desk.visitOf(request);
  const email = field(await formOf(request), "email").toLowerCase();
  const again = (fault: string, status: number) =>
    page(<ForgotPage visit={visit} hasMail fault={fault} email={email} />, {
      status,
      personal: true,
    });
  if (!isAddress(email)) return again("An email address is needed", 400);
  const knock = knockOf(request, server);
  const seconds = throttled(throttles, `forgot ${email}`, knock);
  if (seconds > 0) {
    const response = again("Too many tries. Wait a quarter of an hour", 429);
    response.headers.set("retry-after", String(seconds));
    return response;
  }
  post.aside(() => sendReset(people, post, { email, address: knock.address }));
  return page(
    <ForgotPage
      visit={visit}
      hasMail
      done={`If somebody here has this address, a link is on its way to it. It works for ${resetMinutes} minutes`}
    />,
    { personal: true },
  );
}

function ForgotPage(props: {
  visit: Visit;
  hasMail: boolean;
  fault?: string;
  done?: string;
  email?: string;
}) {
  const { visit, hasMail, fault, done, email } = props;
  return (
    <FormPage
      visit={visit}
      title="Forgot your password?"
      lead={
        hasMail
          ? "A link to choose a new one comes by mail."
          : "This gateway sends no mail. Ask its operator for a link to choose a new one."
      }
      fault={fault}
      done={done}
    >
      {hasMail && done === undefined ? (
        <Sheet action="/forgot" button="Send the link">
          <Line name="email" label="Email" type="email" auto="username" value={email} />
        </Sheet>
      ) : null}
      <p>
        <a href="/login">Sign in</a>
      </p>
    </FormPage>
  );
}
