/*
 * What the sign-in library says of a way to an OpenID provider that led to nothing, in `?error=`. Besides its own words there are
 * those of the provider: nothing of them is shown.
 */

const calledOff = new Set([
  "access_denied",
  "account_selection_required",
  "consent_required",
  "interaction_required",
  "login_required",
]);
const late = new Set([
  "invalid_callback_request",
  "state_invalid",
  "state_mismatch",
  "state_not_found",
]);
const nobody = new Set([
  "account_not_linked",
  "email_not_found",
  "signup_disabled",
  "unable_to_create_session",
]);

/** Why a sign-in at a provider led to nobody, for who tried. */
export function signInFault(error: string | null): string {
  if (error === null || nobody.has(error))
    return "Nobody here is known by that identity. Sign in with your password and connect it on your account's page";
  return `${whyNot(error)}. Try again, or sign in with your password`;
}

/** Why an identity was not connected. */
export function connectFault(error: string): string {
  if (error === "account_already_linked_to_different_user")
    return "Cannot connect this identity: it is that of somebody else here";
  return `Cannot connect this identity. ${whyNot(error)}`;
}

function whyNot(error: string): string {
  if (calledOff.has(error)) return "The sign-in was called off at the other side";
  if (late.has(error))
    return "The sign-in at the other side took too long, or was begun once more elsewhere";
  return "The other side did not confirm who you are";
}
