import type { AnyElysia } from "elysia";
import type { ApiKey } from "#src/account/account.ts";
import {
  createKey,
  deleteKey,
  hashOf,
  type KeyChange,
  mintSecret,
  updateKey,
} from "#src/account/keys.ts";
import { type AuditEntry, auditing } from "#src/account/people/audit.ts";
import { isAtLeast } from "#src/account/people/person.ts";
import { readKeyChange, refuseOtherType } from "#src/http/key-change.ts";
import { json } from "#src/http/respond.ts";
import { AppError } from "#src/lib/error.ts";
import { keyRecord } from "#src/report/key-record.ts";
import { keyBodyOf } from "#src/web/dashboard/key-form.ts";
import { DeleteKeyPage, KeyPage } from "#src/web/dashboard/key-page.tsx";
import { pageAt } from "#src/web/dashboard/key-text.ts";
import { keyOf, keysOf, listed } from "#src/web/dashboard/keys-list.ts";
import { KeyMadePage, KeysPage, keysSheet } from "#src/web/dashboard/keys-page.tsx";
import { createRoom, type Guest, type Outcome } from "#src/web/dashboard/room.ts";
import type { Desk } from "#src/web/people/desk.ts";
import { field, seeOther } from "#src/web/people/respond.ts";
import { page } from "#src/web/respond.ts";
import { sheetAnswer } from "#src/web/sheet.tsx";

const path = "/dashboard/keys";
const ofOne = `${path}/:hash`;
const pageSize = 40;
const mostRows = 50_000;

/**
 * Keys: admins see and change all of the account; members make API keys, and rename, limit, disable and delete those that
 * they made. As anybody may make another, what an admin sets on a member's key binds no further than that key: what binds
 * everybody are the account's credit and its routing.
 */
export function keysRoom(desk: Desk): AnyElysia {
  const { app, services } = desk;
  const { store, keys, keySpend, people } = services;
  const { currency } = app.config.billing;
  const places = app.routes;

  const mine = async ({ visitor, params }: Guest): Promise<ApiKey> => {
    const key = await keyOf(store, visitor, params["hash"] ?? "");
    if (key !== undefined) return key;
    throw new AppError("key_not_found", "Cannot find this key: /dashboard/keys lists yours");
  };
  const noted = (
    { visitor, knock }: Guest,
    entry: Pick<AuditEntry, "action" | "target" | "detail">,
  ) => [
    auditing(people, {
      ...entry,
      actor: visitor.person.id,
      accountId: visitor.account.id,
      address: knock.address,
    }),
  ];
  const changed = ({ hash }: ApiKey) => {
    keys.invalidate(hash);
    app.allowances.refresh(hash);
  };

  async function list(guest: Guest, outcome: Outcome): Promise<Response> {
    const { searchParams } = guest.url;
    const now = app.clock.now();
    const isPage = !searchParams.has("format");
    const { keys: found, next } = await keysOf(store, guest.visitor, keySpend, {
      pageSize: isPage ? pageSize : mostRows,
      after: searchParams.get("after") ?? undefined,
      now,
    });
    const sheet = keysSheet(found, { guest, currency, now });
    return (
      sheetAnswer(sheet, searchParams) ??
      page(
        <KeysPage
          guest={guest}
          outcome={outcome}
          sheet={sheet}
          next={next}
          isAdmin={isAtLeast(guest.visitor.role, "admin")}
          currency={currency}
          places={places}
        />,
        { status: outcome.status ?? 200, personal: true },
      )
    );
  }

  async function one(guest: Guest, outcome: Outcome): Promise<Response> {
    const key = await mine(guest);
    const now = app.clock.now();
    const [found] = await listed(store, keySpend, [key], now);
    if (found === undefined) return list(guest, outcome);
    if (guest.url.searchParams.get("format") === "json")
      return json({ data: keyRecord(key, found) });
    return page(
      <KeyPage
        guest={guest}
        outcome={outcome}
        listed={found}
        now={now}
        currency={currency}
        places={places}
      />,
      { status: outcome.status ?? 200, personal: true },
    );
  }

  const words = {
    changed: "The key is changed: its next request follows",
    disabled: "The key is disabled",
    enabled: "The key is enabled",
    deleted: "The key is deleted",
  };
  return createRoom(desk, "keys", "member", words)
    .get(path, list, "Keys")
    .post(
      path,
      async (sender) => {
        const { visitor, form } = sender;
        const { type = "regular", name, ...policy } = readKeyChange(keyBodyOf(form), places);
        if (type === "management" && !isAtLeast(visitor.role, "admin"))
          throw new AppError(
            "invalid_value",
            "Cannot make a management key: owners and admins of the account do",
            { param: "key_type" },
          );
        const secret = mintSecret(type);
        const made = await createKey(
          store,
          app.clock,
          {
            ...policy,
            type,
            name: name ?? "",
            accountId: visitor.account.id,
            createdBy: visitor.person.id,
          },
          secret,
          noted(sender, {
            action: "key.created",
            target: hashOf(secret),
            detail: { name: name ?? "", type },
          }),
        );
        return page(<KeyMadePage guest={sender} made={made} />, { status: 201, personal: true });
      },
      list,
    )
    .get(ofOne, one)
    .post(
      ofOne,
      async (sender) => {
        const key = await mine(sender);
        const { type, ...change } = readKeyChange(keyBodyOf(sender.form), places);
        refuseOtherType(type, key);
        const members = differing(key, change);
        if (members.length > 0) {
          const detail = { name: change.name ?? key.name, changed: members.join(", ") };
          await updateKey(
            store,
            app.clock,
            sender.visitor.account.id,
            key.hash,
            change,
            noted(sender, { action: "key.changed", target: key.hash, detail }),
          );
          changed(key);
        }
        return seeOther(pageAt(sender, `${path}/${key.hash}`, { done: "changed" }));
      },
      one,
    )
    .post(
      `${ofOne}/switch`,
      async (sender) => {
        const key = await mine(sender);
        const disabled = field(sender.form, "disabled") !== "false";
        const done = disabled ? "disabled" : "enabled";
        await updateKey(
          store,
          app.clock,
          sender.visitor.account.id,
          key.hash,
          { disabled },
          noted(sender, {
            action: `key.${done}`,
            target: key.hash,
            detail: { name: key.name },
          }),
        );
        changed(key);
        return seeOther(pageAt(sender, `${path}/${key.hash}`, { done }));
      },
      one,
    )
    .get(`${ofOne}/delete`, async (guest) =>
      page(<DeleteKeyPage guest={guest} apiKey={await mine(guest)} />, { personal: true }),
    )
    .post(
      `${ofOne}/delete`,
      async (sender) => {
        const key = await mine(sender);
        await deleteKey(
          store,
          app.clock,
          sender.visitor.account.id,
          key.hash,
          noted(sender, { action: "key.deleted", target: key.hash, detail: { name: key.name } }),
        );
        changed(key);
        keySpend.forget(key.hash);
        return seeOther(pageAt(sender, path, { done: "deleted" }));
      },
      one,
    ).routes;
}

/** Members that a change gives another value. */
function differing(key: ApiKey, change: KeyChange): string[] {
  const before = new Map(Object.entries(key).map(([name, value]) => [name, JSON.stringify(value)]));
  return Object.entries(change).flatMap(([name, value]) =>
    JSON.stringify(value) === before.get(name) ? [] : [name],
  );
}
