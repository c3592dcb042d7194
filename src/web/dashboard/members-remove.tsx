import type { KeyMaker } from "#src/account/people/key-makers.ts";
import { Desktop } from "#src/web/dashboard/frame.tsx";
import { willStop } from "#src/web/dashboard/members-page.tsx";
import { formAt, pageAt } from "#src/web/dashboard/key-text.ts";
import type { Guest, Outcome } from "#src/web/dashboard/room.ts";
import { Sheet } from "#src/web/people/form.tsx";

const path = "/dashboard/members";

/** Asks before somebody is removed, and what is to become of the keys that they made. */
export function RemovePage(props: { guest: Guest; outcome: Outcome; member: KeyMaker }) {
  const { guest, outcome, member } = props;
  const { account } = guest.visitor;
  const back = pageAt(guest, path);
  const { managementKeys } = member;
  // The others go on by themselves.
  const enabledKeys = member.enabledKeys - managementKeys;
  const other = managementKeys === 0 ? "" : "other ";
  return (
    <Desktop guest={guest} title={`Remove ${member.name}?`} outcome={outcome}>
      <p class="crumbs">
        <a href={back}>Members</a>
      </p>
      <p>
        {member.email} will not see {account.name} any more, from the next page on, and invitations
        that they made stop working. Their own account stays as it is.
      </p>
      <Sheet
        action={formAt(guest, `${path}/${member.personId}/remove`)}
        button={`Remove ${member.name}`}
        danger
      >
        {managementKeys === 0 ? null : (
          <p>{`${willStop(managementKeys)}: such a key reaches no further than who made it.`}</p>
        )}
        {member.enabledKeys === 0 ? (
          <p>No key that they made works here.</p>
        ) : enabledKeys === 0 ? null : (
          <p class="check">
            <label>
              <input type="checkbox" name="keys" value="disable" />
              {enabledKeys === 1
                ? `Also disable the ${other}key that they made: they may know its secret`
                : `Also disable the ${enabledKeys} ${other}keys that they made: they may know the secrets`}
            </label>
          </p>
        )}
      </Sheet>
      <p>
        <a href={back}>Keep them</a>
      </p>
    </Desktop>
  );
}
